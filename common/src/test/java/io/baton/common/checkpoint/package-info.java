/** Tests of checkpoint folders. */
@NullMarked
package io.baton.common.checkpoint;

import org.jspecify.annotations.NullMarked;

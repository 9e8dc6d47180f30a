/** Tests of the transforms of heads. */
@NullMarked
package io.baton.kernels.transform;

import org.jspecify.annotations.NullMarked;

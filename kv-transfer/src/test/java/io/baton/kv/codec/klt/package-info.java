/** Tests of the codec {@code klt}. */
@NullMarked
package io.baton.kv.codec.klt;

import org.jspecify.annotations.NullMarked;

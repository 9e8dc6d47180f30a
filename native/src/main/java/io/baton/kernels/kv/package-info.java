/**
 * What codecs of 16-bit KV do with every value: splitting, quantising and back, in plain Java (the
 * oracle) and in C, with the same bytes from both.
 *
 * <p>Depends on {@code common} and on {@code io.baton.kernels.entropy} alone. Nothing here has
 * state: any thread may use it.
 */
@NullMarked
package io.baton.kernels.kv;

import org.jspecify.annotations.NullMarked;

/**
 * The plain Java provider: the oracle of every other one, and what runs where no native library
 * does. Weights are dequantised to float32 exactly, activations stay float32, every sum has one
 * fixed order. Depends on the seam, {@code host} and the JDK. A queue belongs to one thread; the
 * thread pool is shared.
 */
@NullMarked
package io.baton.kernels.reference;

import org.jspecify.annotations.NullMarked;

/**
 * Entropy coding of small symbols: interleaved rANS, in plain Java (the oracle) and in C, with the
 * same bytes from both. What the symbols mean is the codec's to know.
 *
 * <p>Depends on {@code common} alone. Coders have no state: any thread may use them.
 */
@NullMarked
package io.baton.kernels.entropy;

import org.jspecify.annotations.NullMarked;

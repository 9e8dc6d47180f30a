/**
 * The kernels' seam: what a transformer step is made of, over opaque buffers and ordered queues.
 *
 * <p>Providers: the plain Java reference (the oracle), C through FFM, later CUDA. Depends on {@code
 * common}. One queue belongs to one engine thread; buffers and weights may be shared between
 * queues.
 */
@NullMarked
package io.baton.kernels;

import org.jspecify.annotations.NullMarked;

/**
 * What the providers that compute in host memory share: buffers, shape checks, and the layout of a
 * step's rows. Depends on the seam alone. Values are immutable; a buffer's bytes belong to whoever
 * the queue says.
 */
@NullMarked
package io.baton.kernels.host;

import org.jspecify.annotations.NullMarked;

/**
 * NVIDIA GPUs through JCuda's driver API. JCuda's types stay in this package, and its classes are
 * loaded only where the driver is. May depend on the kernels' seam and common. Safe for any thread.
 */
@NullMarked
package io.baton.kernels.cuda;

import org.jspecify.annotations.NullMarked;

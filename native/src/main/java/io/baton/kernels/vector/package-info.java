/**
 * A provider on the Vector API, for machines without the C library and without a compiler: products
 * and attention of its own, everything else from the plain Java reference. Depends on the seam,
 * {@code host}, {@code reference} and the incubating module {@code jdk.incubator.vector}; no class
 * of this package is loaded where another provider runs. Threads as in the reference.
 */
@NullMarked
package io.baton.kernels.vector;

import org.jspecify.annotations.NullMarked;

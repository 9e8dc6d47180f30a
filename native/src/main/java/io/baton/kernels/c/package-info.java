/**
 * The C provider: the library in {@code src/main/c}, called through the foreign function API. A
 * queue collects operations as records in native memory and hands a whole list over in one call.
 * Depends on the seam, {@code host} and the JDK. A queue belongs to one thread; the native pool
 * takes one list at a time, in the order of arrival.
 */
@NullMarked
package io.baton.kernels.c;

import org.jspecify.annotations.NullMarked;

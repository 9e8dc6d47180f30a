/** One contract for every provider, and the exactness that all of them promise. */
@NullMarked
package io.baton.kernels;

import org.jspecify.annotations.NullMarked;

/**
 * A virtual clock with events, and models of what takes time: links with a bandwidth that changes,
 * stations that serve one job after the other. Everything is decided by the seed; a simulated
 * minute takes microseconds.
 *
 * <p>Depends on nothing but {@code common}. One thread.
 */
@NullMarked
package io.baton.bench.sim;

import org.jspecify.annotations.NullMarked;

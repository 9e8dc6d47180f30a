/**
 * A transformer served in batches: families and weights, paged KV pool with prefix reuse,
 * scheduler, sampler.
 *
 * <p>Knows nothing of networks. One engine thread runs steps; everything else talks to it through
 * {@link io.baton.engine.EngineLoop}. The scheduler and the pool are single-threaded state machines
 * without a clock.
 */
@NullMarked
package io.baton.engine;

import org.jspecify.annotations.NullMarked;

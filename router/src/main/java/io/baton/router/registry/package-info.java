/**
 * Who is alive and what they serve: the gRPC service that workers join, their leases, the pools
 * they form by model, the channels to them, and the tokenizer and template that a pool's workers
 * hand out. Depends on {@code common} and {@code router.route}; not on Vert.x. gRPC threads and one
 * sweeper call in; state is guarded by the registry's lock and leaves it as immutable snapshots.
 */
@NullMarked
package io.baton.router.registry;

import org.jspecify.annotations.NullMarked;

/**
 * A request's life: admission, one state machine per answer, the legs to decoder and prefiller,
 * failover, and the ledger of where time went. Depends on {@code common}, {@code router.route} and
 * {@code router.registry}; not on Vert.x.
 *
 * <p>Threads: {@link io.baton.router.dispatch.Dispatcher#run} blocks the caller's virtual thread;
 * each further answer of the request has a virtual thread of its own. A {@link
 * io.baton.router.dispatch.SequenceMachine} is confined to its thread; legs hand their events over
 * through the thread's queue.
 */
@NullMarked
package io.baton.router.dispatch;

import org.jspecify.annotations.NullMarked;

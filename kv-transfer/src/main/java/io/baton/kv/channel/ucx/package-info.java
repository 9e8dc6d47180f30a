/**
 * Frames over UCX through jucx: RDMA where verbs devices exist, else UCX's own TCP, shared memory
 * and CMA. Depends on {@code io.baton.kv.channel} and, lazily, on {@code org.openucx}, whose types
 * never leave this package. Each listener and each connector has one platform thread, which alone
 * touches its UCX worker.
 */
@NullMarked
package io.baton.kv.channel.ucx;

import org.jspecify.annotations.NullMarked;

/**
 * KV streaming on simulated links: one request's KV from a sender that computes and codes it, over
 * a link that changes, to a receiver that decodes it or computes the rest itself. The policy is the
 * running system's own class.
 *
 * <p>Depends on {@code sim}, {@code frame}, {@code plot} and {@code io.baton.kv.adapt}. One thread.
 */
@NullMarked
package io.baton.bench.stream;

import org.jspecify.annotations.NullMarked;

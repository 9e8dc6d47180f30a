/**
 * What every worker and router say to each other over the control plane, without engine or KV:
 * joining a router, the cluster token, gRPC servers and channels with their limits, conversions
 * between protobuf and {@code common.generation}, metrics and the admin port.
 *
 * <p>Depends on {@code common} alone. gRPC threads call in; nothing here blocks them. State that
 * several threads touch is confined to a {@link io.baton.common.worker.Mailbox} or guarded by the
 * object's own lock.
 */
@NullMarked
package io.baton.common.worker;

import org.jspecify.annotations.NullMarked;

/**
 * Pure routing decisions: which decoder, which prefiller or none, and why. Depends on {@code
 * common} alone, never on Vert.x or gRPC, so that the simulator runs the very same classes. Values
 * are immutable; {@link io.baton.router.route.PrefixIndex} is the one object with state and guards
 * it with its lock.
 */
@NullMarked
package io.baton.router.route;

import org.jspecify.annotations.NullMarked;

/**
 * How KV is best sent while a link changes: per chunk a codec level, or nothing more because the
 * receiver computes the rest sooner itself. Numbers in, decisions with their reasons out.
 *
 * <p>Depends on nothing but the JDK: no clock, no thread, no I/O, so that the simulator runs the
 * very same classes. Not safe for several threads; the owner keeps the order.
 */
@NullMarked
package io.baton.kv.adapt;

import org.jspecify.annotations.NullMarked;

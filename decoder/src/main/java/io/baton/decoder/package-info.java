/**
 * The decoder's role: reserves a place for a sequence's KV, takes it from a prefiller (or computes
 * it itself), then writes the answer. Wires the engine to KV transfer and both to the control
 * plane.
 *
 * <p>Depends on {@code engine} and {@code kv-transfer}. Every attempt is a state machine confined
 * to its own mailbox; gRPC, channel, timer and engine threads only post to it.
 */
@NullMarked
package io.baton.decoder;

import org.jspecify.annotations.NullMarked;

/**
 * The prefiller's role: computes a prompt's KV and pushes it to a decoder, layer by layer while
 * later layers compute, then samples the first token. Wires the engine to KV transfer and both to
 * the control plane.
 *
 * <p>Depends on {@code engine} and {@code kv-transfer}. Every attempt is a state machine confined
 * to its own mailbox; one virtual thread per attempt sends, so that the engine's thread never
 * waits.
 */
@NullMarked
package io.baton.prefiller;

import org.jspecify.annotations.NullMarked;

/**
 * Channels that carry frames between two workers: a handshake that proves both sides fit, a bounded
 * queue with back-pressure by result code, and a bounded time until a dead peer is known.
 *
 * <p>Depends on {@code frame} and {@code codec}. A provider is found by the URL's scheme. Every
 * listener and every connector has one I/O thread, on which all handler calls come; offers may come
 * from any thread and never block.
 */
@NullMarked
package io.baton.kv.channel;

import org.jspecify.annotations.NullMarked;

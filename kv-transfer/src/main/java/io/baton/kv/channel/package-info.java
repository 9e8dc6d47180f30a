/**
 * Channels that carry frames between two workers. Each channel has its own I/O thread; callers may
 * be any thread.
 */
@NullMarked
package io.baton.kv.channel;

import org.jspecify.annotations.NullMarked;

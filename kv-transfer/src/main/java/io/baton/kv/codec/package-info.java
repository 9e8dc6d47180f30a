/**
 * How one part of KV (some layers of some consecutive blocks) becomes bytes on the wire and comes
 * back. What codecs have learned about a model ahead of time is a {@link
 * io.baton.kv.codec.KvProfile}. Depends on {@code io.baton.common} and on entropy coding alone. A
 * codec has no state of its own: any thread may use it.
 */
@NullMarked
package io.baton.kv.codec;

import org.jspecify.annotations.NullMarked;

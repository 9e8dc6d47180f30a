/**
 * How one part of KV (some layers of some consecutive blocks) becomes bytes on the wire and comes
 * back. Depends on {@code io.baton.common.kv} alone. A codec has no state: any thread may use it.
 */
@NullMarked
package io.baton.kv.codec;

import org.jspecify.annotations.NullMarked;

/** The wire format of KV: see docs/protocol.md. Pure; no sockets. */
@NullMarked
package io.baton.kv.frame;

import org.jspecify.annotations.NullMarked;

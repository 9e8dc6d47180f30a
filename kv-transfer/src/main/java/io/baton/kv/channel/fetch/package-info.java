/**
 * A stream of bytes each way whose receiver fetches it from a ring of its sender: what carriers
 * that read a peer's memory have in common. Depends on nothing but the JDK; knows no carrier. Each
 * class says which threads may use it.
 */
@NullMarked
package io.baton.kv.channel.fetch;

import org.jspecify.annotations.NullMarked;

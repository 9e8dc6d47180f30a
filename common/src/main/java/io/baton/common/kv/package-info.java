/**
 * What every room must agree on about KV: its layout in memory and on the wire, and the keys by
 * which a block or chunk is found again. Pure values; depends on the JDK alone; safe for any
 * thread.
 */
@NullMarked
package io.baton.common.kv;

import org.jspecify.annotations.NullMarked;

/**
 * UCX through jucx. Its types stay in this package, and its classes are loaded only where the
 * system's UCX is. May depend on nothing else of Baton. Safe for any thread.
 */
@NullMarked
package io.baton.kv.channel.ucx;

import org.jspecify.annotations.NullMarked;

/**
 * The suite {@code transfer}: bytes between two processes over each of our channels, beside plain
 * sockets, a plain copy of memory, and other projects' transfer engines. Depends on the frame and
 * on kv-transfer; what runs in the two processes is in {@code child}. Single-threaded.
 */
@NullMarked
package io.baton.bench.transfer;

import org.jspecify.annotations.NullMarked;

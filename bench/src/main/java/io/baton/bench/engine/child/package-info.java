/**
 * Processes that the suite {@code engine} starts: the engine under test, a reader of memory, a
 * foreign load. They take JSON lines and answer with JSON lines, and end when their input does.
 * Each is single-threaded, but for the kernels' threads.
 */
@NullMarked
package io.baton.bench.engine.child;

import org.jspecify.annotations.NullMarked;

/**
 * The two processes of the suite {@code transfer}, which take JSON lines and answer with JSON
 * lines: one that sends and one that receives. A measurement has one thread to a stream, and the
 * channels' own.
 */
@NullMarked
package io.baton.bench.transfer.child;

import org.jspecify.annotations.NullMarked;

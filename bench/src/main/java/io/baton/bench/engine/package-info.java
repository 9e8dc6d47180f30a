/**
 * The suite {@code engine}: our engine without HTTP beside other engines, each in a process of its
 * own that is asked for one measurement at a time. Depends on the frame; the processes of ours are
 * in {@code child}. Single-threaded, but for reading answers with a time limit.
 */
@NullMarked
package io.baton.bench.engine;

import org.jspecify.annotations.NullMarked;

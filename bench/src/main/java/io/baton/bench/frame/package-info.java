/**
 * The frame of every benchmark: suites, their options, result rows as JSON lines. All suites use
 * it; tables and comparisons are made from its rows and nothing else. Single-threaded.
 */
@NullMarked
package io.baton.bench.frame;

import org.jspecify.annotations.NullMarked;

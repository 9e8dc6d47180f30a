/**
 * The suites: what is measured and the pass rules. One thread runs a suite; its load may use more.
 */
@NullMarked
package io.baton.bench.suite;

import org.jspecify.annotations.NullMarked;

/** Tests of the suite {@code engine}. */
@NullMarked
package io.baton.bench.engine;

import org.jspecify.annotations.NullMarked;

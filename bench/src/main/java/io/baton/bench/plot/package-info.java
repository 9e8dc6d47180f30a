/** Small charts as SVG, from numbers alone. Depends on nothing. One thread. */
@NullMarked
package io.baton.bench.plot;

import org.jspecify.annotations.NullMarked;

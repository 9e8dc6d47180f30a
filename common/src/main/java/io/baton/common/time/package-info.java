/** Injected time. Nothing outside a composition root reads a clock of its own. */
@NullMarked
package io.baton.common.time;

import org.jspecify.annotations.NullMarked;

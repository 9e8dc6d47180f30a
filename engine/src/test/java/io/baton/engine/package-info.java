/** Tests of the engine: its state machines alone, and the whole over tiny generated models. */
@NullMarked
package io.baton.engine;

import org.jspecify.annotations.NullMarked;

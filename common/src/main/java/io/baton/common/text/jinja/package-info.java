/**
 * A small interpreter of the Jinja template language, as far as chat templates use it, with
 * Python's printing and jinja2's errors. A template can reach nothing but the values it is given
 * and the functions listed here: there is no reflection, and steps, sizes and depths are bounded.
 * Every string knows which of its characters came from a user. Depends on {@code
 * io.baton.common.error} and {@code io.baton.common.text.PromptText} only. A parsed template is
 * immutable and safe for any thread; a render belongs to one thread.
 */
@NullMarked
package io.baton.common.text.jinja;

import org.jspecify.annotations.NullMarked;

/**
 * Calls of tools in the ways that model families write them: which family a chat template belongs
 * to, calls found in an answer as it streams, and a prompt for templates that know no tools. Pure
 * text; depends on {@code generation} and Jackson.
 *
 * <p>Threads: a {@code ToolCallParser} belongs to one answer and one thread; everything else is
 * immutable.
 */
@NullMarked
package io.baton.common.tools;

import org.jspecify.annotations.NullMarked;

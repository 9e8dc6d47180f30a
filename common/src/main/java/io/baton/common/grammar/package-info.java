/**
 * Constrained output: JSON schemas, regular expressions and choices become automata over bytes, and
 * those become masks over a model's tokens. Depends on {@code error}, {@code generation}, {@code
 * text} and Jackson's tree, on no server and no kernel.
 *
 * <p>From front to back: {@link io.baton.common.grammar.Grammars} compiles a {@link
 * io.baton.common.generation.Constraint} to a {@code Grammar}: a {@code Program} whose states call
 * rules and take {@code Terminal}s (automata over bytes). A {@code GrammarState} is the set of
 * places where a text may be in it, each a terminal's state and what follows (a {@code Stack}). A
 * {@code TokenMask} comes of walking the {@code TokenTrie} from there.
 *
 * <p>Threads: {@code Grammars} is safe for any thread; a {@code TokenConstraint} belongs to one
 * sequence and one thread; everything else is immutable.
 */
@NullMarked
package io.baton.common.grammar;

import org.jspecify.annotations.NullMarked;

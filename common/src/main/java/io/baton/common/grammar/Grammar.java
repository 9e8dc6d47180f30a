package io.baton.common.grammar;

import io.baton.common.generation.Constraint;

/** A compiled constraint. Immutable; safe for any thread. */
public final class Grammar {
    private final Constraint constraint;
    private final GrammarState first;

    Grammar(Constraint constraint, Program program) {
        this.constraint = constraint;
        this.first = GrammarState.start(program);
    }

    /** What it was made of. */
    public Constraint constraint() {
        return constraint;
    }

    /** Before the first byte. */
    GrammarState first() {
        return first;
    }

    /** Whether a text is one of the grammar. */
    public boolean accepts(String text) {
        GrammarState state = first.after(JsonWriting.utf8(text));
        return state != null && state.complete();
    }
}

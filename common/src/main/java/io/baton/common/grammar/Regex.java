package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.List;

/** A regular expression over Unicode scalar values. Immutable. */
sealed interface Regex {
    /** One character of a set; an empty set matches nothing. */
    record Chars(CodePoints set) implements Regex {}

    /** One byte as it stands, in every writing; for the quotes around a JSON string. */
    record Octet(int value) implements Regex {}

    /** One after the other; none is the empty text. */
    record Concat(List<Regex> parts) implements Regex {
        public Concat {
            parts = List.copyOf(parts);
        }
    }

    /** Any of them. */
    record Choice(List<Regex> options) implements Regex {
        public Choice {
            options = List.copyOf(options);
        }
    }

    /**
     * @param max -1 for no limit
     */
    record Repeat(Regex body, int min, int max) implements Regex {}

    /** The empty text. */
    Regex EMPTY = new Concat(List.of());

    static Regex concat(Regex... parts) {
        return new Concat(List.of(parts));
    }

    static Regex choice(Regex... options) {
        return new Choice(List.of(options));
    }

    /** A JSON string with its quotes; the body is read with {@link Nfa.Writing#JSON}. */
    static Regex quoted(Regex body) {
        return concat(new Octet('"'), body, new Octet('"'));
    }

    static Regex optional(Regex body) {
        return new Repeat(body, 0, 1);
    }

    static Regex literal(String text) {
        List<Regex> parts = new ArrayList<>();
        text.codePoints().forEach(c -> parts.add(new Chars(CodePoints.of(c, c))));
        return new Concat(parts);
    }
}

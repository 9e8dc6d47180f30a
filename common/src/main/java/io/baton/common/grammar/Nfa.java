package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * A nondeterministic automaton over bytes, made of a {@link Regex} after Thompson. Built by one
 * thread.
 */
final class Nfa {
    /** How characters are written. */
    enum Writing {
        /** As UTF-8. */
        PLAIN,
        /**
         * Within a JSON string: quote, backslash and control characters are escaped, in one way
         * each; all others stand as UTF-8.
         */
        JSON
    }

    /** A byte from {@code from} to {@code to} leads to {@code target}. */
    record Arrow(int from, int to, int target) {}

    private static final CodePoints CONTROLS = CodePoints.of(0, 0x1f);
    private static final CodePoints ESCAPED = CONTROLS.or(CodePoints.of("\"\\"));

    private final List<List<Arrow>> arrows = new ArrayList<>();
    private final List<List<Integer>> jumps = new ArrayList<>();
    private final Writing writing;

    private Nfa(Writing writing) {
        this.writing = writing;
    }

    /** The automaton of an expression: state 0 starts, state 1 accepts. */
    static Nfa of(Regex regex, Writing writing) {
        Nfa nfa = new Nfa(writing);
        int start = nfa.state();
        int end = nfa.state();
        nfa.add(regex, start, end);
        return nfa;
    }

    /** The automaton of some texts, each as its bytes. */
    static Nfa ofTexts(List<byte[]> texts) {
        Nfa nfa = new Nfa(Writing.PLAIN);
        int start = nfa.state();
        int end = nfa.state();
        for (byte[] text : texts) {
            int at = start;
            for (byte octet : text) {
                int next = nfa.state();
                nfa.arrow(at, octet & 0xff, octet & 0xff, next);
                at = next;
            }
            nfa.jump(at, end);
        }
        return nfa;
    }

    int states() {
        return arrows.size();
    }

    List<Arrow> arrows(int state) {
        return arrows.get(state);
    }

    List<Integer> jumps(int state) {
        return jumps.get(state);
    }

    private int state() {
        if (arrows.size() == GrammarLimits.MAX_NFA_STATES) {
            throw Refusal.invalid(
                    "an automaton needs more than %d states; make repeat counts and lists smaller"
                            .formatted(GrammarLimits.MAX_NFA_STATES));
        }
        arrows.add(new ArrayList<>(2));
        jumps.add(new ArrayList<>(2));
        return arrows.size() - 1;
    }

    private void arrow(int state, int from, int to, int target) {
        arrows.get(state).add(new Arrow(from, to, target));
    }

    private void jump(int state, int target) {
        jumps.get(state).add(target);
    }

    private void add(Regex regex, int from, int to) {
        switch (regex) {
            case Regex.Chars(CodePoints set) -> chars(set, from, to);
            case Regex.Octet(int value) -> arrow(from, value, value, to);
            case Regex.Concat(List<Regex> parts) -> {
                int at = from;
                for (Regex part : parts) {
                    int next = state();
                    add(part, at, next);
                    at = next;
                }
                jump(at, to);
            }
            case Regex.Choice(List<Regex> options) -> options.forEach(o -> add(o, from, to));
            case Regex.Repeat(Regex body, int min, int max) -> repeat(body, min, max, from, to);
        }
    }

    private void repeat(Regex body, int min, int max, int from, int to) {
        int at = from;
        for (int i = 0; i < min; i++) {
            int next = state();
            add(body, at, next);
            at = next;
        }
        if (max < 0) {
            int loop = state();
            jump(at, loop);
            add(body, loop, loop);
            jump(loop, to);
            return;
        }
        for (int i = min; i < max; i++) {
            jump(at, to);
            int next = state();
            add(body, at, next);
            at = next;
        }
        jump(at, to);
    }

    private void chars(CodePoints set, int from, int to) {
        CodePoints plain = set;
        if (writing == Writing.JSON) {
            plain = set.minus(ESCAPED);
            CodePoints special = set.and(ESCAPED);
            for (int i = 0; i < special.ranges(); i++) {
                for (int c = special.from(i); c <= special.to(i); c++) {
                    octets(JsonWriting.escape(c), from, to);
                }
            }
        }
        for (int i = 0; i < plain.ranges(); i++) {
            utf8(plain.from(i), plain.to(i), from, to);
        }
    }

    private void octets(String ascii, int from, int to) {
        int at = from;
        for (int i = 0; i < ascii.length(); i++) {
            int next = i == ascii.length() - 1 ? to : state();
            arrow(at, ascii.charAt(i), ascii.charAt(i), next);
            at = next;
        }
    }

    /** Splits a range until each part's encodings are all combinations of ranges of bytes. */
    private void utf8(int low, int high, int from, int to) {
        for (int limit : new int[] {0x7f, 0x7ff, 0xffff}) {
            if (low <= limit && high > limit) {
                utf8(low, limit, from, to);
                utf8(limit + 1, high, from, to);
                return;
            }
        }
        int length = low <= 0x7f ? 1 : low <= 0x7ff ? 2 : low <= 0xffff ? 3 : 4;
        for (int tail = 1; tail < length; tail++) {
            int mask = (1 << (6 * tail)) - 1;
            if ((low & ~mask) != (high & ~mask)) {
                if ((low & mask) != 0) {
                    utf8(low, low | mask, from, to);
                    utf8((low | mask) + 1, high, from, to);
                    return;
                }
                if ((high & mask) != mask) {
                    utf8(low, (high & ~mask) - 1, from, to);
                    utf8(high & ~mask, high, from, to);
                    return;
                }
            }
        }
        int at = from;
        for (int i = 0; i < length; i++) {
            int next = i == length - 1 ? to : state();
            arrow(at, octet(low, i, length), octet(high, i, length), next);
            at = next;
        }
    }

    /** The i-th byte of a character's encoding of {@code length} bytes (RFC 3629). */
    private static int octet(int c, int i, int length) {
        int bits = (c >> (6 * (length - 1 - i)));
        if (length == 1) {
            return bits;
        }
        return i == 0 ? (0xf00 >> length & 0xff) | bits : 0x80 | (bits & 0x3f);
    }
}

package io.baton.common.grammar;

import java.util.Arrays;
import java.util.List;

/**
 * A set of Unicode scalar values, as sorted ranges that do not touch: {@code {from, to, from, to,
 * ...}}, both ends included. Surrogates are in no set. Immutable.
 */
final class CodePoints {
    private static final int FIRST_SURROGATE = 0xD800;
    private static final int LAST_SURROGATE = 0xDFFF;

    static final CodePoints NONE = new CodePoints(new int[0]);
    static final CodePoints ALL =
            new CodePoints(
                    new int[] {
                        0, FIRST_SURROGATE - 1, LAST_SURROGATE + 1, Character.MAX_CODE_POINT
                    });

    private final int[] ranges;

    private CodePoints(int[] ranges) {
        this.ranges = ranges;
    }

    static CodePoints of(int from, int to) {
        return new CodePoints(new int[] {from, to}).and(ALL);
    }

    static CodePoints of(String characters) {
        CodePoints set = NONE;
        for (int c : characters.codePoints().toArray()) {
            set = set.or(of(c, c));
        }
        return set;
    }

    boolean isEmpty() {
        return ranges.length == 0;
    }

    int ranges() {
        return ranges.length / 2;
    }

    int from(int range) {
        return ranges[2 * range];
    }

    int to(int range) {
        return ranges[2 * range + 1];
    }

    /** All that is in any of some sets. */
    static CodePoints any(List<CodePoints> sets) {
        long[] keys = new long[sets.stream().mapToInt(CodePoints::ranges).sum()];
        int count = 0;
        for (CodePoints set : sets) {
            for (int i = 0; i < set.ranges(); i++) {
                keys[count++] = (long) set.from(i) << 32 | set.to(i);
            }
        }
        Arrays.sort(keys);
        int[] out = new int[2 * count];
        int size = 0;
        for (long key : keys) {
            int from = (int) (key >>> 32);
            int to = (int) key;
            if (size > 0 && from <= out[size - 1] + 1) {
                out[size - 1] = Math.max(out[size - 1], to);
            } else {
                out[size++] = from;
                out[size++] = to;
            }
        }
        return new CodePoints(Arrays.copyOf(out, size));
    }

    CodePoints or(CodePoints other) {
        return not(not(this).and(not(other)));
    }

    CodePoints and(CodePoints other) {
        int[] out = new int[ranges.length + other.ranges.length];
        int size = 0;
        int a = 0;
        int b = 0;
        while (a < ranges.length && b < other.ranges.length) {
            int from = Math.max(ranges[a], other.ranges[b]);
            int to = Math.min(ranges[a + 1], other.ranges[b + 1]);
            if (from <= to) {
                out[size++] = from;
                out[size++] = to;
            }
            if (ranges[a + 1] < other.ranges[b + 1]) {
                a += 2;
            } else {
                b += 2;
            }
        }
        return new CodePoints(Arrays.copyOf(out, size));
    }

    /** All scalar values that are not in the set. */
    CodePoints complement() {
        return not(this).and(ALL);
    }

    /** The complement over 0 to the last code point, surrogates included. */
    private static CodePoints not(CodePoints set) {
        int[] out = new int[set.ranges.length + 2];
        int size = 0;
        int next = 0;
        for (int i = 0; i < set.ranges.length; i += 2) {
            if (next < set.ranges[i]) {
                out[size++] = next;
                out[size++] = set.ranges[i] - 1;
            }
            next = set.ranges[i + 1] + 1;
        }
        if (next <= Character.MAX_CODE_POINT) {
            out[size++] = next;
            out[size++] = Character.MAX_CODE_POINT;
        }
        return new CodePoints(Arrays.copyOf(out, size));
    }

    CodePoints minus(CodePoints other) {
        return and(not(other));
    }
}

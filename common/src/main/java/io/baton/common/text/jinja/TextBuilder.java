package io.baton.common.text.jinja;

import java.util.Arrays;

/** Builds a string and keeps, for each character, whether it came from a user. */
final class TextBuilder {
    private final Budget budget;
    private final StringBuilder text = new StringBuilder();
    private int[] untrusted = new int[8];
    private int count;

    TextBuilder(Budget budget) {
        this.budget = budget;
    }

    /** Appends text of the template or of ours. */
    TextBuilder append(String trusted) {
        check(trusted.length());
        text.append(trusted);
        return this;
    }

    TextBuilder append(StrValue value) {
        return append(value, 0, value.text().length());
    }

    /** Appends a part, given by UTF-16 offsets. */
    TextBuilder append(StrValue value, int from, int to) {
        check(to - from);
        int base = text.length() - from;
        text.append(value.text(), from, to);
        int[] ranges = value.untrusted();
        for (int i = 0; i < ranges.length; i += 2) {
            int start = Math.max(ranges[i], from);
            int end = Math.min(ranges[i + 1], to);
            if (start < end) {
                mark(base + start, base + end);
            }
        }
        return this;
    }

    int length() {
        return text.length();
    }

    StrValue toValue() {
        return new StrValue(text.toString(), Arrays.copyOf(untrusted, count), false);
    }

    private void check(int more) {
        budget.appended(text.length() + (long) more, more);
    }

    private void mark(int from, int to) {
        if (count > 0 && untrusted[count - 1] == from) {
            untrusted[count - 1] = to;
            return;
        }
        if (count == untrusted.length) {
            untrusted = Arrays.copyOf(untrusted, count * 2);
        }
        untrusted[count++] = from;
        untrusted[count++] = to;
    }
}

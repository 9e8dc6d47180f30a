package io.baton.common.text.jinja;

import io.baton.common.text.PromptText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A string that knows which of its characters came from a user. Offsets are UTF-16; what templates
 * see is counted in code points.
 */
final class StrValue implements Value {
    private static final int[] NONE_UNTRUSTED = {};
    static final StrValue EMPTY = trusted("");

    private final String text;
    // Sorted, disjoint, non-empty, non-touching: from, to, from, to, ...
    private final int[] untrusted;
    private final boolean markup;

    StrValue(String text, int[] untrusted, boolean markup) {
        this.text = text;
        this.untrusted = untrusted;
        this.markup = markup;
    }

    static StrValue trusted(String text) {
        return new StrValue(text, NONE_UNTRUSTED, false);
    }

    static StrValue untrusted(String text) {
        return of(text, true);
    }

    static StrValue of(String text, boolean wholeUntrusted) {
        int[] ranges =
                wholeUntrusted && !text.isEmpty() ? new int[] {0, text.length()} : NONE_UNTRUSTED;
        return new StrValue(text, ranges, false);
    }

    String text() {
        return text;
    }

    int[] untrusted() {
        return untrusted;
    }

    /** Whether no character came from a user. */
    boolean isTrusted() {
        return untrusted.length == 0;
    }

    /** Whether the string went through {@code safe} or {@code escape}: Python's Markup. */
    boolean markup() {
        return markup;
    }

    StrValue withMarkup(boolean wanted) {
        return wanted == markup ? this : new StrValue(text, untrusted, wanted);
    }

    /** Length in code points. */
    int length() {
        return text.codePointCount(0, text.length());
    }

    /** The part between two UTF-16 offsets. */
    StrValue part(int from, int to) {
        if (from == 0 && to == text.length()) {
            return this;
        }
        String sub = text.substring(from, to);
        if (untrusted.length == 0) {
            return new StrValue(sub, NONE_UNTRUSTED, markup);
        }
        int[] ranges = new int[untrusted.length];
        int count = 0;
        for (int i = 0; i < untrusted.length; i += 2) {
            int start = Math.max(untrusted[i], from);
            int end = Math.min(untrusted[i + 1], to);
            if (start < end) {
                ranges[count++] = start - from;
                ranges[count++] = end - from;
            }
        }
        return new StrValue(
                sub, count == 0 ? NONE_UNTRUSTED : Arrays.copyOf(ranges, count), markup);
    }

    /**
     * This string after a change of its characters: part by part where that gives the same text,
     * wholly untrusted otherwise if any part is.
     */
    StrValue mapped(UnaryOperator<String> change) {
        String changed = change.apply(text);
        if (untrusted.length == 0) {
            return new StrValue(changed, NONE_UNTRUSTED, markup);
        }
        StringBuilder joined = new StringBuilder(changed.length());
        int[] ranges = new int[untrusted.length];
        int end = 0;
        for (int i = 0; i < untrusted.length; i += 2) {
            joined.append(change.apply(text.substring(end, untrusted[i])));
            ranges[i] = joined.length();
            end = untrusted[i + 1];
            joined.append(change.apply(text.substring(untrusted[i], end)));
            ranges[i + 1] = joined.length();
        }
        joined.append(change.apply(text.substring(end)));
        for (int i = 0; i < ranges.length; i += 2) {
            if (ranges[i] == ranges[i + 1]) {
                return of(changed, true).withMarkup(markup);
            }
        }
        return joined.toString().equals(changed)
                ? new StrValue(changed, ranges, markup)
                : of(changed, true).withMarkup(markup);
    }

    PromptText prompt() {
        List<PromptText.Range> ranges = new ArrayList<>(untrusted.length / 2);
        for (int i = 0; i < untrusted.length; i += 2) {
            ranges.add(new PromptText.Range(untrusted[i], untrusted[i + 1]));
        }
        return new PromptText(text, ranges);
    }

    @Override
    public String typeName() {
        return markup ? "Markup" : "str";
    }
}

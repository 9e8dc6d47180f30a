package io.baton.common.text;

import java.util.ArrayList;
import java.util.List;

/**
 * Text that knows which of its parts a user wrote. Control tokens are recognised in trusted parts
 * only, so {@code <|im_start|>} typed by a user stays plain text by construction.
 *
 * @param text the whole text
 * @param untrusted sorted, disjoint, non-empty ranges of {@code text} (UTF-16 offsets) that come
 *     from users
 */
public record PromptText(String text, List<Range> untrusted) {
    /** A half-open range of UTF-16 offsets. */
    public record Range(int from, int to) {
        public Range {
            if (from < 0 || from >= to) {
                throw new IllegalArgumentException("bad range [%d, %d)".formatted(from, to));
            }
        }
    }

    public PromptText {
        int end = 0;
        for (Range range : untrusted) {
            if (range.from() < end || range.to() > text.length()) {
                throw new IllegalArgumentException(
                        "ranges must be sorted, disjoint and inside the text");
            }
            end = range.to();
        }
        untrusted = List.copyOf(untrusted);
    }

    /** Text of ours or of the operator: control tokens count. */
    public static PromptText trusted(String text) {
        return new PromptText(text, List.of());
    }

    /** Text of a user: no control token counts. */
    public static PromptText untrusted(String text) {
        return new PromptText(
                text, text.isEmpty() ? List.of() : List.of(new Range(0, text.length())));
    }

    /** Whether {@code [from, to)} lies wholly in trusted text. */
    public boolean isTrusted(int from, int to) {
        for (Range range : untrusted) {
            if (range.from() < to && from < range.to()) {
                return false;
            }
        }
        return true;
    }

    /** Joins texts, keeping what is trusted. */
    public static PromptText concat(List<PromptText> parts) {
        StringBuilder text = new StringBuilder();
        List<Range> ranges = new ArrayList<>();
        for (PromptText part : parts) {
            int base = text.length();
            text.append(part.text());
            for (Range range : part.untrusted()) {
                int last = ranges.size() - 1;
                if (last >= 0 && ranges.get(last).to() == base + range.from()) {
                    ranges.set(last, new Range(ranges.get(last).from(), base + range.to()));
                } else {
                    ranges.add(new Range(base + range.from(), base + range.to()));
                }
            }
        }
        return new PromptText(text.toString(), ranges);
    }
}

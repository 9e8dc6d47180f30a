package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Python's {@code split}, {@code rsplit} and {@code partition}: parts keep their provenance. */
final class Splits {
    private Splits() {}

    static Value split(Evaluator evaluator, StrValue self, Arguments arguments, boolean fromRight) {
        Arguments.Bound bound = arguments.bind("split", "sep", "maxsplit");
        StrValue separator = bound.text(0);
        int most = bound.integer(1, -1);
        int splits = most < 0 ? Integer.MAX_VALUE : most;
        Budget budget = evaluator.budget();
        List<Value> parts;
        if (separator == null) {
            parts = fromRight ? bySpaceRight(self, splits, budget) : bySpace(self, splits, budget);
        } else if (separator.text().isEmpty()) {
            throw TemplateFailure.operation("empty separator");
        } else if (fromRight) {
            parts = byTextRight(self, separator.text(), splits, budget);
        } else {
            parts = byText(self, separator.text(), splits, budget);
        }
        return new Value.ListValue(parts);
    }

    private static List<Value> byText(StrValue self, String separator, int splits, Budget budget) {
        String text = self.text();
        List<Value> parts = new ArrayList<>();
        int from = 0;
        int found = text.indexOf(separator);
        while (found >= 0 && parts.size() < splits) {
            add(parts, self.part(from, found), budget);
            from = found + separator.length();
            found = text.indexOf(separator, from);
        }
        add(parts, self.part(from, text.length()), budget);
        return parts;
    }

    private static List<Value> byTextRight(
            StrValue self, String separator, int splits, Budget budget) {
        String text = self.text();
        List<Value> parts = new ArrayList<>();
        int to = text.length();
        int found = text.lastIndexOf(separator);
        while (found >= 0 && parts.size() < splits) {
            add(parts, self.part(found + separator.length(), to), budget);
            to = found;
            found = to == 0 ? -1 : lastBefore(text, separator, to);
        }
        add(parts, self.part(0, to), budget);
        Collections.reverse(parts);
        return parts;
    }

    /** The last occurrence that ends at or before {@code to}. */
    private static int lastBefore(String text, String separator, int to) {
        return to < separator.length() ? -1 : text.lastIndexOf(separator, to - separator.length());
    }

    private static List<Value> bySpace(StrValue self, int splits, Budget budget) {
        String text = self.text();
        List<Value> parts = new ArrayList<>();
        int at = PyText.skipSpace(text, 0);
        while (at < text.length()) {
            if (parts.size() == splits) {
                int end = PyText.trimEnd(text, at, text.length());
                add(parts, self.part(at, end), budget);
                break;
            }
            int end = at;
            while (end < text.length() && !PyText.isSpace(text.charAt(end))) {
                end++;
            }
            add(parts, self.part(at, end), budget);
            at = PyText.skipSpace(text, end);
        }
        return parts;
    }

    private static List<Value> bySpaceRight(StrValue self, int splits, Budget budget) {
        String text = self.text();
        List<Value> parts = new ArrayList<>();
        int to = PyText.trimEnd(text, 0, text.length());
        while (to > 0) {
            if (parts.size() == splits) {
                int start = PyText.skipSpace(text, 0);
                add(parts, self.part(start, to), budget);
                break;
            }
            int start = to;
            while (start > 0 && !PyText.isSpace(text.charAt(start - 1))) {
                start--;
            }
            add(parts, self.part(start, to), budget);
            to = PyText.trimEnd(text, 0, start);
        }
        Collections.reverse(parts);
        return parts;
    }

    private static void add(List<Value> parts, Value part, Budget budget) {
        budget.spend(1);
        parts.add(part);
    }

    static Value partition(StrValue self, Arguments arguments, boolean last) {
        StrValue separator = arguments.bind("partition", "sep").requiredText(0);
        if (separator.text().isEmpty()) {
            throw TemplateFailure.operation("empty separator");
        }
        String text = self.text();
        int found = last ? text.lastIndexOf(separator.text()) : text.indexOf(separator.text());
        if (found < 0) {
            return last
                    ? Value.Tuple.of(StrValue.EMPTY, StrValue.EMPTY, self)
                    : Value.Tuple.of(self, StrValue.EMPTY, StrValue.EMPTY);
        }
        int end = found + separator.text().length();
        return Value.Tuple.of(
                self.part(0, found), self.part(found, end), self.part(end, text.length()));
    }
}

package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Python's methods of str. */
final class StringMethods {
    private static final Map<String, Members.Method> ALL = new HashMap<>();

    static {
        put("upper", (evaluator, self, arguments) -> TextFilters.upper(self));
        put("lower", (evaluator, self, arguments) -> TextFilters.lower(self));
        put("casefold", (evaluator, self, arguments) -> TextFilters.lower(self));
        put("capitalize", (evaluator, self, arguments) -> TextFilters.capitalize(self));
        put("title", (evaluator, self, arguments) -> self.mapped(StringMethods::title));
        put("strip", (evaluator, self, arguments) -> stripped(self, arguments, true, true));
        put("lstrip", (evaluator, self, arguments) -> stripped(self, arguments, true, false));
        put("rstrip", (evaluator, self, arguments) -> stripped(self, arguments, false, true));
        put("replace", StringMethods::replace);
        put("join", StringMethods::join);
        put("splitlines", StringMethods::splitLines);
        put(
                "split",
                (evaluator, self, arguments) -> Splits.split(evaluator, self, arguments, false));
        put(
                "rsplit",
                (evaluator, self, arguments) -> Splits.split(evaluator, self, arguments, true));
        put("partition", (evaluator, self, arguments) -> Splits.partition(self, arguments, false));
        put("rpartition", (evaluator, self, arguments) -> Splits.partition(self, arguments, true));
        put("removeprefix", (evaluator, self, arguments) -> removePrefix(self, arguments));
        put("removesuffix", (evaluator, self, arguments) -> removeSuffix(self, arguments));
        put("center", (evaluator, self, arguments) -> padded(evaluator, self, arguments, 'c'));
        put("ljust", (evaluator, self, arguments) -> padded(evaluator, self, arguments, 'l'));
        put("rjust", (evaluator, self, arguments) -> padded(evaluator, self, arguments, 'r'));
        put("zfill", (evaluator, self, arguments) -> zeroFilled(evaluator, self, arguments));
        put(
                "format",
                (evaluator, self, arguments) -> BraceFormat.format(evaluator, self, arguments));
        put("startswith", (evaluator, self, arguments) -> affix(self, arguments, true));
        put("endswith", (evaluator, self, arguments) -> affix(self, arguments, false));
        put("find", (evaluator, self, arguments) -> find(self, arguments, false, false));
        put("rfind", (evaluator, self, arguments) -> find(self, arguments, true, false));
        put("index", (evaluator, self, arguments) -> find(self, arguments, false, true));
        put("rindex", (evaluator, self, arguments) -> find(self, arguments, true, true));
        put("count", (evaluator, self, arguments) -> count(self, arguments));
        all("isdigit", Character::isDigit);
        all("isdecimal", Character::isDigit);
        all("isnumeric", Character::isDigit);
        all("isalpha", Character::isLetter);
        all("isalnum", Character::isLetterOrDigit);
        all("isspace", PyText::isSpace);
        put(
                "isascii",
                (evaluator, self, arguments) ->
                        Value.Bool.of(self.text().chars().allMatch(c -> c < 128)));
        put(
                "islower",
                (evaluator, self, arguments) ->
                        Value.Bool.of(evaluator.test("lower", self, Arguments.NONE)));
        put(
                "isupper",
                (evaluator, self, arguments) ->
                        Value.Bool.of(evaluator.test("upper", self, Arguments.NONE)));
    }

    private StringMethods() {}

    /** A method of str. */
    @FunctionalInterface
    private interface OfString {
        Value call(Evaluator evaluator, StrValue self, Arguments arguments);
    }

    static Members.@Nullable Method find(String name) {
        return ALL.get(name);
    }

    private static void put(String name, OfString method) {
        ALL.put(
                name,
                (evaluator, self, arguments) -> {
                    StrValue text = (StrValue) self;
                    evaluator.budget().text(text.text().length());
                    return method.call(evaluator, text, arguments);
                });
    }

    private static void all(String name, IntPredicate each) {
        put(
                name,
                (evaluator, self, arguments) ->
                        Value.Bool.of(
                                !self.text().isEmpty() && self.text().codePoints().allMatch(each)));
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inside = false;
        for (int at = 0; at < text.length(); ) {
            int c = text.codePointAt(at);
            out.appendCodePoint(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inside = Character.isLetter(c);
            at += Character.charCount(c);
        }
        return out.toString();
    }

    private static Value stripped(StrValue self, Arguments arguments, boolean left, boolean right) {
        return strip(self, arguments.bind("strip", "chars").text(0), left, right);
    }

    /** Without the characters (white space, if null) at its ends. */
    static StrValue strip(
            StrValue self, @Nullable StrValue characters, boolean left, boolean right) {
        String text = self.text();
        IntPredicate cut =
                characters == null ? PyText::isSpace : c -> characters.text().indexOf(c) >= 0;
        int from = 0;
        int to = text.length();
        while (left && from < to && cut.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && cut.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return self.part(from, to);
    }

    private static Value replace(Evaluator evaluator, StrValue self, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("replace", "old", "new", "count");
        return replace(
                self,
                bound.requiredText(0),
                bound.requiredText(1),
                bound.integer(2, -1),
                evaluator.budget());
    }

    /** With at most {@code count} (all, if negative) occurrences replaced. */
    static StrValue replace(StrValue self, StrValue old, StrValue with, int count, Budget budget) {
        String text = self.text();
        String wanted = old.text();
        StrValue put = self.markup() ? TextFilters.escape(with, budget) : with;
        TextBuilder out = new TextBuilder(budget);
        int done = 0;
        int from = 0;
        for (int left = count; left != 0; left--) {
            int found = text.indexOf(wanted, from);
            if (found < 0 || from > text.length()) {
                break;
            }
            budget.spend(1);
            out.append(self, done, found).append(put);
            done = found + wanted.length();
            from = wanted.isEmpty() ? nextCodePoint(text, done) : done;
        }
        return out.append(self, done, text.length()).toValue().withMarkup(self.markup());
    }

    private static int nextCodePoint(String text, int at) {
        return at < text.length() ? text.offsetByCodePoints(at, 1) : at + 1;
    }

    private static Value join(Evaluator evaluator, StrValue self, Arguments arguments) {
        Value items = arguments.bind("join", "iterable").required(0);
        TextBuilder out = new TextBuilder(evaluator.budget());
        boolean first = true;
        for (Value item : Operators.iterate(items, evaluator.budget())) {
            evaluator.budget().spend(1);
            if (!(item instanceof StrValue text)) {
                throw TemplateFailure.operation(
                        "sequence item: expected str instance, " + item.typeName() + " found");
            }
            if (!first) {
                out.append(self);
            }
            out.append(self.markup() ? TextFilters.escape(text, evaluator.budget()) : text);
            first = false;
        }
        return out.toValue().withMarkup(self.markup());
    }

    private static Value splitLines(Evaluator evaluator, StrValue self, Arguments arguments) {
        arguments.bind("splitlines");
        return new Value.ListValue(new ArrayList<>(lines(self, evaluator.budget())));
    }

    /** The lines of a text without their ends; nothing follows a last line end. */
    static List<StrValue> lines(StrValue text, Budget budget) {
        String string = text.text();
        List<StrValue> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < string.length(); i++) {
            if (PyText.isLineBreak(string.charAt(i))) {
                budget.spend(1);
                lines.add(text.part(start, i));
                if (string.startsWith("\r\n", i)) {
                    i++;
                }
                start = i + 1;
            }
        }
        if (start < string.length()) {
            lines.add(text.part(start, string.length()));
        }
        return lines;
    }

    private static Value removePrefix(StrValue self, Arguments arguments) {
        String prefix = arguments.bind("removeprefix", "prefix").requiredText(0).text();
        return self.text().startsWith(prefix)
                ? self.part(prefix.length(), self.text().length())
                : self;
    }

    private static Value removeSuffix(StrValue self, Arguments arguments) {
        String suffix = arguments.bind("removesuffix", "suffix").requiredText(0).text();
        return self.text().endsWith(suffix)
                ? self.part(0, self.text().length() - suffix.length())
                : self;
    }

    private static Value padded(
            Evaluator evaluator, StrValue self, Arguments arguments, char side) {
        Arguments.Bound bound = arguments.bind("ljust", "width", "fillchar");
        bound.required(0);
        StrValue given = bound.text(1);
        StrValue fill = given == null ? StrValue.trusted(" ") : given;
        if (fill.length() != 1) {
            throw TemplateFailure.operation(
                    "The fill character must be exactly one character long");
        }
        int missing = Math.max(0, bound.integer(0, 0) - self.length());
        int left =
                switch (side) {
                    case 'l' -> 0;
                    case 'r' -> missing;
                    default -> missing / 2 + (missing & bound.integer(0, 0) & 1);
                };
        return pad(self, fill, left, missing - left, evaluator.budget());
    }

    static StrValue center(StrValue self, int width, Budget budget) {
        int missing = Math.max(0, width - self.length());
        int left = missing / 2 + (missing & width & 1);
        return pad(self, StrValue.trusted(" "), left, missing - left, budget);
    }

    private static StrValue pad(StrValue self, StrValue fill, int left, int right, Budget budget) {
        budget.text(self.text().length() + 2L * left + 2L * right);
        TextBuilder out = new TextBuilder(budget);
        for (int i = 0; i < left; i++) {
            out.append(fill);
        }
        out.append(self);
        for (int i = 0; i < right; i++) {
            out.append(fill);
        }
        return out.toValue();
    }

    private static Value zeroFilled(Evaluator evaluator, StrValue self, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("zfill", "width");
        bound.required(0);
        int missing = Math.max(0, bound.integer(0, 0) - self.length());
        boolean signed = self.text().startsWith("-") || self.text().startsWith("+");
        evaluator.budget().text(missing);
        return new TextBuilder(evaluator.budget())
                .append(self, 0, signed ? 1 : 0)
                .append("0".repeat(missing))
                .append(self, signed ? 1 : 0, self.text().length())
                .toValue();
    }

    private static Value affix(StrValue self, Arguments arguments, boolean start) {
        Arguments.Bound bound =
                arguments.bind(start ? "startswith" : "endswith", "affix", "start", "end");
        Window window = Window.of(self, bound, 1);
        Value wanted = bound.required(0);
        List<Value> candidates =
                wanted instanceof Value.Tuple tuple ? tuple.items() : List.of(wanted);
        for (Value candidate : candidates) {
            if (!(Operators.defined(candidate) instanceof StrValue affix)) {
                throw TemplateFailure.operation(
                        "%s first arg must be str or a tuple of str, not %s"
                                .formatted(bound.function(), candidate.typeName()));
            }
            if (window.valid()
                    && (start
                            ? window.text().startsWith(affix.text())
                            : window.text().endsWith(affix.text()))) {
                return Value.Bool.TRUE;
            }
        }
        return Value.Bool.FALSE;
    }

    private static Value find(StrValue self, Arguments arguments, boolean last, boolean must) {
        Arguments.Bound bound = arguments.bind("find", "sub", "start", "end");
        String wanted = bound.requiredText(0).text();
        Window window = Window.of(self, bound, 1);
        int found =
                !window.valid()
                        ? -1
                        : last ? window.text().lastIndexOf(wanted) : window.text().indexOf(wanted);
        if (found < 0 && must) {
            throw TemplateFailure.operation("substring not found");
        }
        return Value.Int.of(
                found < 0 ? -1 : window.start() + (long) window.text().codePointCount(0, found));
    }

    private static Value count(StrValue self, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("count", "sub", "start", "end");
        String wanted = bound.requiredText(0).text();
        Window window = Window.of(self, bound, 1);
        String text = window.text();
        if (wanted.isEmpty()) {
            return Value.Int.of(window.valid() ? text.codePointCount(0, text.length()) + 1L : 0);
        }
        int count = 0;
        for (int at = text.indexOf(wanted);
                at >= 0;
                at = text.indexOf(wanted, at + wanted.length())) {
            count++;
        }
        return Value.Int.of(count);
    }

    /** The part of a text between two indices, as find and startswith take them. */
    private record Window(String text, int start, boolean valid) {
        static Window of(StrValue self, Arguments.Bound bound, int first) {
            Value from = bound.or(first, Value.None.NONE);
            Value to = bound.or(first + 1, Value.None.NONE);
            if (from == Value.None.NONE && to == Value.None.NONE) {
                return new Window(self.text(), 0, true);
            }
            int length = self.length();
            int start = index(from, 0, length);
            int end = Math.min(length, index(to, length, length));
            if (start > end) {
                return new Window("", start, false);
            }
            int offset = self.text().offsetByCodePoints(0, start);
            int limit = self.text().offsetByCodePoints(offset, end - start);
            return new Window(self.text().substring(offset, limit), start, true);
        }

        private static int index(Value value, int otherwise, int length) {
            if (value == Value.None.NONE) {
                return otherwise;
            }
            long index = Operators.clamped(value);
            return (int) Math.max(0, index < 0 ? index + length : index);
        }
    }
}

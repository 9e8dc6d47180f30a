package io.baton.common.text.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Filters that make text of text. */
final class TextFilters {
    private TextFilters() {}

    static void register(Map<String, Filters.Filter> filters) {
        filters.put("string", (evaluator, input, arguments) -> text(evaluator, input));
        filters.put("upper", (evaluator, input, arguments) -> upper(text(evaluator, input)));
        filters.put("lower", (evaluator, input, arguments) -> lower(text(evaluator, input)));
        filters.put(
                "capitalize", (evaluator, input, arguments) -> capitalize(text(evaluator, input)));
        filters.put(
                "title",
                (evaluator, input, arguments) -> text(evaluator, input).mapped(TextFilters::title));
        filters.put("trim", TextFilters::trim);
        filters.put("replace", TextFilters::replace);
        filters.put("indent", TextFilters::indent);
        filters.put("center", TextFilters::center);
        filters.put(
                "safe", (evaluator, input, arguments) -> text(evaluator, input).withMarkup(true));
        filters.put("escape", TextFilters::escape);
        filters.put("e", TextFilters::escape);
        filters.put("wordcount", TextFilters::wordCount);
        filters.put(
                "format",
                (evaluator, input, arguments) ->
                        PercentFormat.format(
                                text(evaluator, input), arguments, evaluator.budget()));
    }

    /** The value as text. */
    static StrValue text(Evaluator evaluator, Value value) {
        StrValue text = Printer.str(value, evaluator.budget());
        evaluator.budget().text(text.text().length());
        return text;
    }

    static StrValue upper(StrValue text) {
        return text.mapped(part -> part.toUpperCase(Locale.ROOT));
    }

    static StrValue lower(StrValue text) {
        return text.mapped(part -> part.toLowerCase(Locale.ROOT));
    }

    static StrValue capitalize(StrValue text) {
        return text.mapped(
                part -> {
                    if (part.isEmpty()) {
                        return part;
                    }
                    int first = part.offsetByCodePoints(0, 1);
                    return part.substring(0, first).toUpperCase(Locale.ROOT)
                            + part.substring(first).toLowerCase(Locale.ROOT);
                });
    }

    /** A word starts after white space, a hyphen or an opening bracket. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int at = 0;
        while (at < text.length()) {
            int end = at;
            while (end < text.length() && !startsWord(text.charAt(end))) {
                end++;
            }
            if (end > at) {
                int first = text.offsetByCodePoints(at, 1);
                out.append(text.substring(at, first).toUpperCase(Locale.ROOT));
                out.append(text.substring(first, end).toLowerCase(Locale.ROOT));
            }
            while (end < text.length() && startsWord(text.charAt(end))) {
                out.append(text.charAt(end));
                end++;
            }
            at = end;
        }
        return out.toString();
    }

    private static boolean startsWord(char c) {
        return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || PyText.isSpace(c);
    }

    private static Value trim(Evaluator evaluator, Value input, Arguments arguments) {
        StrValue characters = arguments.bind("trim", "chars").text(0);
        return StringMethods.strip(text(evaluator, input), characters, true, true);
    }

    private static Value replace(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("replace", "old", "new", "count");
        StrValue old = text(evaluator, bound.required(0));
        StrValue with = text(evaluator, bound.required(1));
        int count = bound.or(2, Value.None.NONE) == Value.None.NONE ? -1 : bound.integer(2, -1);
        StrValue plain = text(evaluator, input).withMarkup(false);
        return StringMethods.replace(plain, old, with, count, evaluator.budget());
    }

    private static Value indent(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("indent", "width", "first", "blank");
        Value width = bound.or(0, Value.Int.of(4));
        Budget budget = evaluator.budget();
        StrValue by;
        if (width instanceof StrValue given) {
            by = given;
        } else {
            int spaces = Math.max(0, Operators.clamped(width));
            budget.text(spaces);
            by = StrValue.trusted(" ".repeat(spaces));
        }
        boolean blank = bound.flag(2, false);
        if (!(Operators.defined(input) instanceof StrValue text)) {
            throw TemplateFailure.operation("indent needs text, not " + input.typeName());
        }
        TextBuilder out = new TextBuilder(budget);
        List<StrValue> lines =
                StringMethods.lines(
                        new TextBuilder(budget).append(text).append("\n").toValue(), budget);
        for (int i = 0; i < lines.size(); i++) {
            StrValue line = lines.get(i);
            boolean indented = i == 0 ? bound.flag(1, false) : blank || !line.text().isEmpty();
            if (i > 0) {
                out.append("\n");
            }
            if (indented) {
                out.append(by);
            }
            out.append(line);
        }
        return out.toValue().withMarkup(text.markup());
    }

    private static Value center(Evaluator evaluator, Value input, Arguments arguments) {
        int width = arguments.bind("center", "width").integer(0, 80);
        return StringMethods.center(text(evaluator, input), width, evaluator.budget());
    }

    private static Value escape(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("escape");
        return escape(text(evaluator, input), evaluator.budget());
    }

    /** The text as HTML; text that is so already stays. */
    static StrValue escape(StrValue text, Budget budget) {
        if (text.markup()) {
            return text;
        }
        String string = text.text();
        TextBuilder out = new TextBuilder(budget);
        int done = 0;
        for (int i = 0; i < string.length(); i++) {
            String entity =
                    switch (string.charAt(i)) {
                        case '&' -> "&amp;";
                        case '<' -> "&lt;";
                        case '>' -> "&gt;";
                        case '\'' -> "&#39;";
                        case '"' -> "&#34;";
                        default -> null;
                    };
            if (entity != null) {
                boolean untrusted = !text.part(i, i + 1).isTrusted();
                out.append(text, done, i).append(StrValue.of(entity, untrusted));
                done = i + 1;
            }
        }
        return out.append(text, done, string.length()).toValue().withMarkup(true);
    }

    private static Value wordCount(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("wordcount");
        String string = text(evaluator, input).text();
        int words = 0;
        boolean inside = false;
        for (int i = 0; i < string.length(); i++) {
            boolean word = PyText.isWord(string.codePointAt(i));
            words += word && !inside ? 1 : 0;
            inside = word;
        }
        return Value.Int.of(words);
    }
}

package io.baton.common.text.jinja;

import org.jspecify.annotations.Nullable;

/** Python's {@code text.format(...)}. */
final class BraceFormat {
    private final Evaluator evaluator;
    private final StrValue format;
    private final Arguments arguments;
    private final TextBuilder out;
    private int next;

    private BraceFormat(Evaluator evaluator, StrValue format, Arguments arguments) {
        this.evaluator = evaluator;
        this.format = format;
        this.arguments = arguments;
        this.out = new TextBuilder(evaluator.budget());
    }

    static StrValue format(Evaluator evaluator, StrValue format, Arguments arguments) {
        return new BraceFormat(evaluator, format, arguments).run();
    }

    private StrValue run() {
        String text = format.text();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            boolean doubled = at + 1 < text.length() && text.charAt(at + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                out.append(format, at, at + 1);
                at += 2;
            } else if (c == '{') {
                int close = text.indexOf('}', at);
                if (close < 0) {
                    throw TemplateFailure.operation("expected '}' before end of string");
                }
                evaluator.budget().spend(1);
                field(text.substring(at + 1, close));
                at = close + 1;
            } else if (c == '}') {
                throw TemplateFailure.operation("Single '}' encountered in format string");
            } else {
                int end = at;
                while (end < text.length() && text.charAt(end) != '{' && text.charAt(end) != '}') {
                    end++;
                }
                out.append(format, at, end);
                at = end;
            }
        }
        return out.toValue().withMarkup(format.markup());
    }

    private void field(String field) {
        if (field.indexOf('{') >= 0) {
            throw TemplateFailure.operation("nested fields are not supported in format strings");
        }
        int colon = field.indexOf(':');
        String head = colon < 0 ? field : field.substring(0, colon);
        int bang = head.indexOf('!');
        String name = bang < 0 ? head : head.substring(0, bang);
        Value value = value(name);
        if (bang >= 0) {
            value =
                    switch (head.substring(bang + 1)) {
                        case "s" -> Printer.str(value, evaluator.budget());
                        case "r" -> Printer.repr(value, evaluator.budget());
                        default ->
                                throw TemplateFailure.operation(
                                        "Unknown conversion specifier in a format string");
                    };
        }
        String spec = colon < 0 ? "" : field.substring(colon + 1);
        StrValue shown =
                spec.isEmpty()
                        ? Printer.str(value, evaluator.budget())
                        : Spec.parse(spec).write(value, evaluator.budget());
        out.append(format.markup() ? TextFilters.escape(shown, evaluator.budget()) : shown);
    }

    private Value value(String name) {
        if (name.indexOf('.') >= 0 || name.indexOf('[') >= 0) {
            throw TemplateFailure.operation(
                    "attributes and items are not supported in format strings");
        }
        @Nullable Value value;
        if (name.isEmpty() || (name.length() < 6 && name.chars().allMatch(Character::isDigit))) {
            int index = name.isEmpty() ? next++ : Integer.parseInt(name);
            value =
                    index < arguments.positional().size()
                            ? arguments.positional().get(index)
                            : null;
        } else {
            value = arguments.named().get(name);
        }
        if (value == null) {
            throw TemplateFailure.operation(
                    "no argument for the field '{" + name + "}' of a format string");
        }
        return value;
    }

    /** Reads what stands after the colon. */
    private static final class Spec {
        private final String text;
        private int at;

        private Spec(String text) {
            this.text = text;
        }

        static FormatSpec parse(String text) {
            return new Spec(text).read();
        }

        private FormatSpec read() {
            String fill = " ";
            char align = ' ';
            int first = text.offsetByCodePoints(0, 1);
            if (first < text.length() && isAlign(text.charAt(first))) {
                fill = text.substring(0, first);
                align = text.charAt(first);
                at = first + 1;
            } else if (isAlign(peek())) {
                align = take();
            }
            char sign = peek() == '+' || peek() == '-' || peek() == ' ' ? take() : '-';
            if (peek() == '0') {
                take();
                fill = align == ' ' ? "0" : fill;
                align = align == ' ' ? '=' : align;
            }
            int width = number(0);
            char group = peek() == ',' || peek() == '_' ? take() : ' ';
            int precision = -1;
            if (peek() == '.') {
                take();
                precision = number(-1);
            }
            char type = peek() == '\0' ? ' ' : take();
            if (at < text.length()) {
                throw TemplateFailure.operation("Invalid format specifier '" + text + "'");
            }
            return new FormatSpec(fill, align, sign, group, width, precision, type);
        }

        private static boolean isAlign(char c) {
            return c == '<' || c == '>' || c == '^' || c == '=';
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : '\0';
        }

        private char take() {
            return text.charAt(at++);
        }

        private int number(int otherwise) {
            int from = at;
            while (peek() >= '0' && peek() <= '9') {
                at++;
            }
            if (at - from > 7) {
                throw TemplateFailure.limit("a format width of more than 7 digits");
            }
            return at == from ? otherwise : Integer.parseInt(text, from, at, 10);
        }
    }
}

package io.baton.common.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's {@code text % values}. */
final class PercentFormat {
    private final StrValue format;
    private final List<Value> values;
    private final @Nullable DictValue names;
    private final Budget budget;
    private final TextBuilder out;
    private int next;

    private PercentFormat(
            StrValue format, List<Value> values, @Nullable DictValue names, Budget budget) {
        this.format = format;
        this.values = values;
        this.names = names;
        this.budget = budget;
        this.out = new TextBuilder(budget);
    }

    /** The operator. */
    static StrValue format(StrValue format, Value right, Budget budget) {
        DictValue names = right instanceof DictValue dict ? dict : null;
        List<Value> values = right instanceof Value.Tuple tuple ? tuple.items() : List.of(right);
        // Python lets anything with items but a tuple or a string have parts that are not used.
        boolean leftoverAllowed =
                names != null
                        || right instanceof Value.ListValue
                        || right instanceof Value.Range
                        || right instanceof Value.Undefined;
        return new PercentFormat(format, values, names, budget).run(leftoverAllowed);
    }

    /** The filter. */
    static StrValue format(StrValue format, Arguments arguments, Budget budget) {
        if (!arguments.named().isEmpty() && !arguments.positional().isEmpty()) {
            throw TemplateFailure.operation(
                    "can't handle positional and keyword arguments at the same time");
        }
        if (arguments.named().isEmpty()) {
            return format(format, new Value.Tuple(arguments.positional()), budget);
        }
        DictValue names = new DictValue();
        arguments.named().forEach((name, value) -> names.put(StrValue.trusted(name), value));
        return format(format, names, budget);
    }

    private StrValue run(boolean leftoverAllowed) {
        String text = format.text();
        int done = 0;
        int at = text.indexOf('%');
        while (at >= 0) {
            budget.spend(1);
            out.append(format, done, at);
            done = conversion(at + 1);
            at = text.indexOf('%', done);
        }
        out.append(format, done, text.length());
        if (!leftoverAllowed && next < values.size()) {
            throw TemplateFailure.operation("not all arguments converted during string formatting");
        }
        return out.toValue().withMarkup(format.markup());
    }

    /** Writes one conversion; returns the offset after it. */
    private int conversion(int start) {
        String text = format.text();
        int at = start;
        Value named = null;
        if (charAt(at) == '(') {
            int close = text.indexOf(')', at);
            if (close < 0 || names == null) {
                throw TemplateFailure.operation("format requires a mapping");
            }
            String key = text.substring(at + 1, close);
            named = names.get(key);
            if (named == null) {
                throw TemplateFailure.operation("'" + key + "'");
            }
            at = close + 1;
        }
        boolean left = false;
        boolean zero = false;
        char sign = '-';
        for (; "-+ 0#".indexOf(charAt(at)) >= 0; at++) {
            left |= charAt(at) == '-';
            zero |= charAt(at) == '0';
            sign = charAt(at) == '+' || charAt(at) == ' ' ? charAt(at) : sign;
        }
        int widthEnd = digitsEnd(at);
        int width = number(at, widthEnd, 0);
        at = widthEnd;
        int precision = -1;
        if (charAt(at) == '.') {
            int end = digitsEnd(at + 1);
            precision = number(at + 1, end, 0);
            at = end;
        }
        char type = charAt(at);
        if (type == '%') {
            out.append(format, at, at + 1);
            return at + 1;
        }
        char align = left ? '<' : zero ? '=' : '>';
        write(named == null ? take() : named, type, align, zero && !left, sign, width, precision);
        return at + 1;
    }

    private void write(
            Value value, char type, char align, boolean zero, char sign, int width, int precision) {
        char shown =
                switch (type) {
                    case 's', 'r', 'a' -> 's';
                    case 'd', 'i', 'u' -> 'd';
                    case 'x', 'X', 'o', 'f', 'F', 'e', 'E' -> type;
                    default ->
                            throw TemplateFailure.operation(
                                    "unsupported format character '" + type + "'");
                };
        boolean text = shown == 's';
        if (!text && !Operators.isNumber(value)) {
            Operators.defined(value);
            throw TemplateFailure.operation(
                    "%" + type + " format: a real number is required, not " + value.typeName());
        }
        Value printed = type == 'r' || type == 'a' ? Printer.repr(value, budget) : value;
        if (format.markup() && text) {
            printed = TextFilters.escape(Printer.str(printed, budget), budget);
        }
        char side = text && align == '=' ? '>' : align;
        out.append(
                new FormatSpec(zero && !text ? "0" : " ", side, sign, ' ', width, precision, shown)
                        .write(printed, budget));
    }

    private Value take() {
        if (names != null && next == 0) {
            next++;
            return names;
        }
        if (next >= values.size()) {
            throw TemplateFailure.operation("not enough arguments for format string");
        }
        return values.get(next++);
    }

    private char charAt(int at) {
        if (at >= format.text().length()) {
            throw TemplateFailure.operation("incomplete format");
        }
        return format.text().charAt(at);
    }

    private int digitsEnd(int from) {
        int end = from;
        while (charAt(end) >= '0' && charAt(end) <= '9') {
            end++;
        }
        return end;
    }

    private int number(int from, int to, int otherwise) {
        if (to - from > 7) {
            throw TemplateFailure.limit("a format width of more than 7 digits");
        }
        return from == to ? otherwise : Integer.parseInt(format.text(), from, to, 10);
    }
}

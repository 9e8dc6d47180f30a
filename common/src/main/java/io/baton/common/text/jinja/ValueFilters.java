package io.baton.common.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Filters on single values: defaults, numbers, members, JSON. */
final class ValueFilters {
    private static final int MAX_DIGITS = 1000;

    private ValueFilters() {}

    static void register(Map<String, Filters.Filter> filters) {
        filters.put("default", ValueFilters::byDefault);
        filters.put("d", ValueFilters::byDefault);
        filters.put("int", ValueFilters::integer);
        filters.put("float", ValueFilters::real);
        filters.put("abs", ValueFilters::abs);
        filters.put("round", ValueFilters::round);
        filters.put("attr", ValueFilters::attribute);
        filters.put("tojson", ValueFilters::toJson);
    }

    private static Value byDefault(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("default", "default_value", "boolean");
        boolean replaced =
                input instanceof Value.Undefined
                        || (bound.flag(1, false) && !Operators.truth(input));
        return replaced ? bound.or(0, StrValue.EMPTY) : input;
    }

    private static Value integer(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("int", "default", "base");
        Value otherwise = bound.or(0, Value.Int.of(0));
        Operators.defined(input);
        if (input instanceof Value.Real real) {
            return Double.isFinite(real.value())
                    ? new Value.Int(new BigDecimal(real.value()).toBigInteger())
                    : otherwise;
        }
        if (input instanceof Value.Int || input instanceof Value.Bool) {
            return new Value.Int(Operators.integer(input));
        }
        if (!(input instanceof StrValue text)) {
            return otherwise;
        }
        String digits = stripped(text);
        int base = bound.integer(1, 10);
        if (base < 2 || base > 36) {
            return otherwise;
        }
        BigInteger whole = parse(digits, base);
        if (whole != null) {
            return new Value.Int(whole);
        }
        Double number = parse(digits);
        return number == null || !Double.isFinite(number)
                ? otherwise
                : new Value.Int(new BigDecimal(number).toBigInteger());
    }

    private static Value real(Evaluator evaluator, Value input, Arguments arguments) {
        Value otherwise = arguments.bind("float", "default").or(0, new Value.Real(0));
        Operators.defined(input);
        if (Operators.isNumber(input)) {
            return new Value.Real(Operators.real(input));
        }
        Double number = input instanceof StrValue text ? parse(stripped(text)) : null;
        return number == null ? otherwise : new Value.Real(number);
    }

    private static String stripped(StrValue text) {
        StrValue stripped = StringMethods.strip(text, null, true, true);
        return stripped.text().length() > MAX_DIGITS ? "" : stripped.text();
    }

    private static @Nullable BigInteger parse(String digits, int base) {
        String bare = digits.replace("_", "");
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
        if (!prefix.isEmpty() && bare.regionMatches(true, 0, prefix, 0, 2)) {
            bare = bare.substring(2);
        }
        if (bare.isEmpty() || !bare.matches("[+-]?[0-9a-zA-Z]+")) {
            return null;
        }
        try {
            return new BigInteger(bare, base);
        } catch (NumberFormatException notANumber) {
            return null;
        }
    }

    private static @Nullable Double parse(String digits) {
        String bare = digits.replace("_", "").toLowerCase(Locale.ROOT);
        return switch (bare) {
            case "inf", "+inf", "infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            default ->
                    bare.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)(e[+-]?[0-9]+)?")
                            ? Double.valueOf(bare)
                            : null;
        };
    }

    private static Value abs(Evaluator evaluator, Value input, Arguments arguments) {
        arguments.bind("abs");
        return switch (Operators.defined(input)) {
            case Value.Real real -> new Value.Real(Math.abs(real.value()));
            default -> new Value.Int(Operators.integer(input).abs());
        };
    }

    private static Value round(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("round", "precision", "method");
        int precision = Math.clamp(bound.integer(0, 0), -400, 400);
        StrValue method = bound.text(1);
        RoundingMode mode =
                switch (method == null ? "common" : method.text()) {
                    case "common" -> RoundingMode.HALF_EVEN;
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    default ->
                            throw TemplateFailure.operation("method must be common, ceil or floor");
                };
        if (input instanceof Value.Int || input instanceof Value.Bool) {
            BigDecimal whole = new BigDecimal(Operators.integer(input));
            if (mode == RoundingMode.HALF_EVEN) {
                return new Value.Int(whole.setScale(Math.min(precision, 0), mode).toBigInteger());
            }
        }
        Operators.defined(input);
        double value = Operators.real(input);
        if (!Double.isFinite(value)) {
            return new Value.Real(value);
        }
        return new Value.Real(new BigDecimal(value).setScale(precision, mode).doubleValue());
    }

    private static Value attribute(Evaluator evaluator, Value input, Arguments arguments) {
        StrValue name = arguments.bind("attr", "name").requiredText(0);
        // Only members that are no items, as jinja2 has it.
        return input instanceof DictValue && Members.method(input, name.text()) == null
                ? new Value.Undefined(input, name.text(), null)
                : Members.attribute(input, name.text());
    }

    private static Value toJson(Evaluator evaluator, Value input, Arguments arguments) {
        Arguments.Bound bound =
                arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
        Value indent = bound.or(1, Value.None.NONE);
        String by = null;
        if (indent instanceof StrValue text) {
            by = text.text();
        } else if (indent != Value.None.NONE) {
            int spaces = Math.max(0, Operators.clamped(indent));
            evaluator.budget().text(spaces);
            by = " ".repeat(spaces);
        }
        String itemSeparator = by == null ? ", " : ",";
        String keySeparator = ": ";
        if (bound.or(2, Value.None.NONE) instanceof Value.Sequence separators) {
            List<Value> two = separators.items();
            if (two.size() != 2) {
                throw TemplateFailure.operation("tojson needs two separators");
            }
            itemSeparator = Printer.str(two.getFirst(), evaluator.budget()).text();
            keySeparator = Printer.str(two.getLast(), evaluator.budget()).text();
        }
        JsonPrinter.Style style =
                new JsonPrinter.Style(
                        bound.flag(0, false),
                        by,
                        itemSeparator,
                        keySeparator,
                        bound.flag(3, false));
        StrValue json = JsonPrinter.print(input, style, evaluator.budget());
        // A separator from a user is rare enough to make all of it untrusted.
        return anyUntrusted(bound) ? StrValue.untrusted(json.text()) : json;
    }

    private static boolean anyUntrusted(Arguments.Bound bound) {
        for (Value value : bound.values()) {
            if (value instanceof StrValue text && !text.isTrusted()) {
                return true;
            }
            if (value instanceof Value.Sequence sequence
                    && sequence.items().stream()
                            .anyMatch(one -> one instanceof StrValue text && !text.isTrusted())) {
                return true;
            }
        }
        return false;
    }
}

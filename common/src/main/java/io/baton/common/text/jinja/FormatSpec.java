package io.baton.common.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * How one value is written by {@code %} or {@code format}.
 *
 * @param fill what fills the width, a single character
 * @param align where the value stands: {@code <}, {@code >}, {@code ^}, {@code =} (after the sign),
 *     or a space for the type's own side
 * @param sign {@code +} and a space are shown for positive numbers, {@code -} is not
 * @param group the thousands separator, or a space for none
 * @param width least width in code points
 * @param precision digits after the point, or longest text; negative for the type's own
 * @param type the conversion: s, d, x, X, o, b, f, F, e, E or %; a space for the value's own
 */
record FormatSpec(
        String fill, char align, char sign, char group, int width, int precision, char type) {
    private static final int MAX_PRECISION = 1000;

    /** Writes a value. Numbers are trusted text; strings keep their provenance. */
    StrValue write(Value value, Budget budget) {
        if (precision > MAX_PRECISION) {
            throw TemplateFailure.limit("a format precision of more than " + MAX_PRECISION);
        }
        boolean text = value instanceof StrValue || type == 's' || !Operators.isNumber(value);
        if (type == ' ' && value instanceof Value.Bool) {
            text = true;
        }
        if (text) {
            if (type != ' ' && type != 's') {
                throw TemplateFailure.operation(
                        "Unknown format code '%s' for object of type '%s'"
                                .formatted(type, value.typeName()));
            }
            StrValue shown = Printer.str(value, budget);
            if (precision >= 0 && precision < shown.length()) {
                shown = shown.part(0, shown.text().offsetByCodePoints(0, precision));
            }
            return pad("", shown, align == ' ' ? '<' : align, budget);
        }
        String digits = number(value);
        boolean negative = digits.startsWith("-");
        String prefix = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
        return pad(
                prefix,
                StrValue.trusted(grouped(negative ? digits.substring(1) : digits)),
                align == ' ' ? '>' : align,
                budget);
    }

    private String number(Value value) {
        return switch (type) {
            case 'd' -> whole(value).toString();
            case 'x' -> whole(value).toString(16);
            case 'X' -> whole(value).toString(16).toUpperCase(Locale.ROOT);
            case 'o' -> whole(value).toString(8);
            case 'b' -> whole(value).toString(2);
            case 'f', 'F' -> fixed(Operators.real(value), precision < 0 ? 6 : precision);
            case '%' -> fixed(Operators.real(value) * 100, precision < 0 ? 6 : precision) + "%";
            case 'e' -> exponential(value);
            case 'E' -> exponential(value).toUpperCase(Locale.ROOT);
            case ' ' -> {
                if (value instanceof Value.Real real && precision < 0) {
                    yield PyText.real(real.value());
                }
                if (value instanceof Value.Real) {
                    throw unknown();
                }
                yield Operators.integer(value).toString();
            }
            default -> throw unknown();
        };
    }

    private TemplateFailure unknown() {
        return TemplateFailure.operation("the format code '" + type + "' is not supported here");
    }

    private static BigInteger whole(Value value) {
        if (value instanceof Value.Real real) {
            if (!Double.isFinite(real.value())) {
                throw TemplateFailure.operation("cannot convert a float that is not finite");
            }
            return new BigDecimal(real.value()).toBigInteger();
        }
        return Operators.integer(value);
    }

    private static String fixed(double value, int digits) {
        if (!Double.isFinite(value)) {
            return PyText.real(value);
        }
        String text =
                new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
        boolean minusZero = 1 / value < 0 && !text.startsWith("-");
        return minusZero ? "-" + text : text;
    }

    private String exponential(Value value) {
        double number = Operators.real(value);
        return Double.isFinite(number)
                ? ("%." + (precision < 0 ? 6 : precision) + "e").formatted(number)
                : PyText.real(number);
    }

    private String grouped(String digits) {
        if (group == ' ') {
            return digits;
        }
        int end = digits.indexOf('.') < 0 ? digits.length() : digits.indexOf('.');
        StringBuilder out = new StringBuilder(digits);
        for (int i = end - 3; i > 0; i -= 3) {
            out.insert(i, group);
        }
        return out.toString();
    }

    private StrValue pad(String prefix, StrValue body, char side, Budget budget) {
        long missing = Math.max(0L, (long) width - prefix.length() - body.length());
        budget.text(missing * fill.length() + body.text().length());
        int all = (int) missing;
        int left =
                switch (side) {
                    case '<' -> 0;
                    case '^' -> all / 2;
                    default -> all;
                };
        TextBuilder out = new TextBuilder(budget);
        if (side == '=') {
            out.append(prefix).append(fill.repeat(left));
        } else {
            out.append(fill.repeat(left)).append(prefix);
        }
        return out.append(body).append(fill.repeat(all - left)).toValue();
    }
}

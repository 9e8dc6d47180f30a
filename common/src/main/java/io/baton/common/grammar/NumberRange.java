package io.baton.common.grammar;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decimal numbers between bounds, as regular expressions: a number in plain digits is compared with
 * a bound digit by digit. Bounds are met by intersection with {@link Terminals#NUMBER} or {@link
 * Terminals#INTEGER}, which limit the digits.
 */
final class NumberRange {
    private static final BigDecimal LARGEST = BigDecimal.TEN.pow(18);
    private static final int MAX_FRACTION = 15;
    private static final Regex DIGIT = new Regex.Chars(CodePoints.of('0', '9'));
    private static final Regex DIGITS = new Regex.Repeat(DIGIT, 0, -1);
    private static final Regex FRACTION =
            Regex.optional(Regex.concat(Regex.literal("."), new Regex.Repeat(DIGIT, 1, -1)));
    private static final Regex MAGNITUDE =
            Regex.concat(
                    Regex.choice(
                            Regex.literal("0"),
                            Regex.concat(new Regex.Chars(CodePoints.of('1', '9')), DIGITS)),
                    FRACTION);

    /** One bound: its value, and whether the value itself is out. */
    record Bound(BigDecimal value, boolean exclusive) {}

    private NumberRange() {}

    /** Numbers from {@code bound} up; null where every number is. */
    static @Nullable Regex from(Bound bound) {
        BigDecimal value = checked(bound.value());
        if (value.compareTo(LARGEST.negate()) < 0) {
            return null;
        }
        if (value.signum() > 0 || value.signum() == 0 && bound.exclusive()) {
            return above(value, bound.exclusive());
        }
        Regex negative =
                value.signum() == 0
                        ? minus(Regex.literal("0"))
                        : minus(below(value.negate(), bound.exclusive()));
        return Regex.choice(MAGNITUDE, negative);
    }

    /** Numbers up to {@code bound}; null where every number is. */
    static @Nullable Regex to(Bound bound) {
        BigDecimal value = checked(bound.value());
        if (value.compareTo(LARGEST) > 0) {
            return null;
        }
        if (value.signum() < 0 || value.signum() == 0 && bound.exclusive()) {
            return minus(above(value.negate(), bound.exclusive()));
        }
        return Regex.choice(minus(MAGNITUDE), below(value, bound.exclusive()));
    }

    private static Regex minus(Regex magnitude) {
        return Regex.concat(Regex.literal("-"), magnitude);
    }

    private static BigDecimal checked(BigDecimal value) {
        if (value.precision() > 40 || Math.abs((long) value.scale()) > 40) {
            throw Refusal.invalid("a bound with too many digits");
        }
        BigDecimal plain = value.stripTrailingZeros();
        if (plain.scale() > MAX_FRACTION) {
            throw Refusal.invalid(
                    "a bound with more than %d digits after the point".formatted(MAX_FRACTION));
        }
        return plain;
    }

    private static String whole(BigDecimal value) {
        return value.toBigInteger().toString();
    }

    /** Digits after the point, without zeros at the end. */
    private static String fraction(BigDecimal value) {
        String plain = value.toPlainString();
        int point = plain.indexOf('.');
        return point < 0 ? "" : plain.substring(point + 1);
    }

    /** Magnitudes of at most, or less than, a value from 0. */
    private static Regex below(BigDecimal value, boolean exclusive) {
        String whole = whole(value);
        String fraction = fraction(value);
        List<Regex> options = new ArrayList<>();
        options.add(Regex.concat(smaller(whole), FRACTION));
        List<Regex> tails = new ArrayList<>();
        for (int i = 0; i < fraction.length(); i++) {
            String same = fraction.substring(0, i);
            tails.add(Regex.concat(Regex.literal(same), under(fraction.charAt(i)), DIGITS));
            if (i > 0) {
                tails.add(Regex.literal(same));
            }
        }
        if (!exclusive) {
            tails.add(Regex.concat(Regex.literal(fraction), zeros(fraction.isEmpty() ? 1 : 0)));
        }
        Regex tail = Regex.concat(Regex.literal("."), new Regex.Choice(tails));
        boolean wholeItself = !fraction.isEmpty() || !exclusive;
        options.add(Regex.concat(Regex.literal(whole), wholeItself ? Regex.optional(tail) : tail));
        return new Regex.Choice(options);
    }

    /** Magnitudes of at least, or more than, a value from 0. */
    private static Regex above(BigDecimal value, boolean exclusive) {
        String whole = whole(value);
        String fraction = fraction(value);
        List<Regex> options = new ArrayList<>();
        options.add(Regex.concat(greater(whole), FRACTION));
        List<Regex> tails = new ArrayList<>();
        for (int i = 0; i < fraction.length(); i++) {
            tails.add(
                    Regex.concat(
                            Regex.literal(fraction.substring(0, i)),
                            over(fraction.charAt(i)),
                            DIGITS));
        }
        tails.add(
                exclusive
                        ? Regex.concat(Regex.literal(fraction), zeros(0), over('0'), DIGITS)
                        : Regex.concat(
                                Regex.literal(fraction),
                                new Regex.Repeat(DIGIT, fraction.isEmpty() ? 1 : 0, -1)));
        Regex tail = Regex.concat(Regex.literal("."), new Regex.Choice(tails));
        boolean wholeItself = fraction.isEmpty() && !exclusive;
        options.add(Regex.concat(Regex.literal(whole), wholeItself ? Regex.optional(tail) : tail));
        return new Regex.Choice(options);
    }

    private static Regex zeros(int min) {
        return new Regex.Repeat(Regex.literal("0"), min, -1);
    }

    private static Regex under(char digit) {
        return new Regex.Chars(digit == '0' ? CodePoints.NONE : CodePoints.of('0', digit - 1));
    }

    private static Regex over(char digit) {
        return new Regex.Chars(digit == '9' ? CodePoints.NONE : CodePoints.of(digit + 1, '9'));
    }

    /** Whole numbers, without zeros before them, less than one given by its digits. */
    private static Regex smaller(String whole) {
        List<Regex> options = new ArrayList<>();
        if (!whole.equals("0")) {
            options.add(Regex.literal("0"));
        }
        for (int length = 1; length < whole.length(); length++) {
            options.add(
                    Regex.concat(
                            new Regex.Chars(CodePoints.of('1', '9')),
                            new Regex.Repeat(DIGIT, length - 1, length - 1)));
        }
        differing(whole, false, options);
        return new Regex.Choice(options);
    }

    /** Whole numbers, without zeros before them, greater than one given by its digits. */
    private static Regex greater(String whole) {
        List<Regex> options = new ArrayList<>();
        options.add(
                Regex.concat(
                        new Regex.Chars(CodePoints.of('1', '9')),
                        new Regex.Repeat(DIGIT, whole.length(), -1)));
        differing(whole, true, options);
        return new Regex.Choice(options);
    }

    /** Whole numbers of the same length that part from the given one at some digit. */
    private static void differing(String whole, boolean up, List<Regex> options) {
        for (int i = 0; i < whole.length(); i++) {
            char digit = whole.charAt(i);
            Regex other = up ? over(digit) : under(digit);
            if (!up && i == 0) {
                // No zero before other digits.
                other =
                        new Regex.Chars(
                                digit <= '1' ? CodePoints.NONE : CodePoints.of('1', digit - 1));
            }
            int rest = whole.length() - i - 1;
            options.add(
                    Regex.concat(
                            Regex.literal(whole.substring(0, i)),
                            other,
                            new Regex.Repeat(DIGIT, rest, rest)));
        }
    }
}

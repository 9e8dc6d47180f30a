package io.baton.common.text.jinja;

/**
 * A number as a template spells it.
 *
 * @param digits its text without underscores; an integer may have the prefix 0x, 0o or 0b
 * @param real whether it is a float
 * @param end offset after it
 */
record NumberText(String digits, boolean real, int end) {
    /** The number whose first digit is at {@code from}. */
    static NumberText read(String source, int from) {
        int end = digits(source, from, 10);
        boolean afterDot = from > 0 && source.charAt(from - 1) == '.';
        if (!afterDot) {
            int fraction = end;
            if (digitAt(source, end + 1, 10) && source.charAt(end) == '.') {
                fraction = digits(source, end + 1, 10);
            }
            int exponent = exponentEnd(source, fraction);
            if (exponent > end) {
                return of(source, from, exponent, true);
            }
        }
        if (source.charAt(from) == '0' && from + 2 < source.length()) {
            int radix =
                    switch (source.charAt(from + 1)) {
                        case 'x', 'X' -> 16;
                        case 'o', 'O' -> 8;
                        case 'b', 'B' -> 2;
                        default -> 0;
                    };
            int start = from + 2;
            if (radix != 0 && source.charAt(start) == '_') {
                start++;
            }
            if (radix != 0 && digitAt(source, start, radix)) {
                return of(source, from, digits(source, start, radix), false);
            }
        }
        if (source.charAt(from) == '0') {
            int zeros = from + 1;
            while (zeros < end && (source.charAt(zeros) == '0' || source.charAt(zeros) == '_')) {
                zeros++;
            }
            end = zeros;
        }
        return of(source, from, end, false);
    }

    private static NumberText of(String source, int from, int end, boolean real) {
        return new NumberText(source.substring(from, end).replace("_", ""), real, end);
    }

    /** Offset after an exponent at {@code from}; {@code from} itself if there is none. */
    private static int exponentEnd(String source, int from) {
        if (from >= source.length() || (source.charAt(from) | 0x20) != 'e') {
            return from;
        }
        int start = from + 1;
        if (start < source.length()
                && (source.charAt(start) == '+' || source.charAt(start) == '-')) {
            start++;
        }
        return digitAt(source, start, 10) ? digits(source, start, 10) : from;
    }

    /** Offset after digits that may have single underscores between them. */
    private static int digits(String source, int from, int radix) {
        int at = from;
        while (digitAt(source, at, radix)
                || (at > from
                        && at < source.length()
                        && source.charAt(at) == '_'
                        && digitAt(source, at + 1, radix))) {
            at++;
        }
        return at;
    }

    private static boolean digitAt(String source, int at, int radix) {
        return at < source.length()
                && source.charAt(at) < 128
                && Character.digit(source.charAt(at), radix) >= 0;
    }
}

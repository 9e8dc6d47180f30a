package io.baton.common.text.jinja;

/** The escape sequences of a string literal, Python's. */
final class Escapes {
    private Escapes() {}

    /**
     * The value of a literal.
     *
     * @param body what stands between the quotes
     * @param at where it stands in the source
     */
    static String decode(String body, int at) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        StringBuilder out = new StringBuilder(body.length());
        int i = 0;
        while (i < body.length()) {
            char c = body.charAt(i);
            if (c != '\\' || i + 1 >= body.length()) {
                out.append(c);
                i++;
            } else {
                i = escape(body, i, at, out);
            }
        }
        return out.toString();
    }

    /** Appends what the escape at {@code i} stands for; returns the offset after it. */
    private static int escape(String body, int i, int at, StringBuilder out) {
        char c = body.charAt(i + 1);
        switch (c) {
            case '\n' -> {}
            case '\\', '\'', '"' -> out.append(c);
            case 'n' -> out.append('\n');
            case 't' -> out.append('\t');
            case 'r' -> out.append('\r');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'a' -> out.append('\u0007');
            case 'v' -> out.append('\u000B');
            case 'x' -> {
                return hex(body, i, 2, at, out);
            }
            case 'u' -> {
                return hex(body, i, 4, at, out);
            }
            case 'U' -> {
                return hex(body, i, 8, at, out);
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int end = i + 1;
                int value = 0;
                while (end < body.length()
                        && end < i + 4
                        && body.charAt(end) >= '0'
                        && body.charAt(end) <= '7') {
                    value = value * 8 + (body.charAt(end) - '0');
                    end++;
                }
                out.append((char) value);
                return end;
            }
            case 'N' ->
                    throw TemplateFailure.syntax(
                            "named characters (\\N) are not supported in strings", at + i);
            default -> out.append('\\').append(c);
        }
        return i + 2;
    }

    private static int hex(String body, int i, int digits, int at, StringBuilder out) {
        int end = i + 2 + digits;
        int value = 0;
        for (int k = i + 2; k < end; k++) {
            int digit = k < body.length() ? Character.digit(body.charAt(k), 16) : -1;
            if (digit < 0 || value > 0x10FFFF) {
                throw TemplateFailure.syntax(
                        "truncated \\" + body.charAt(i + 1) + " escape in a string", at + i);
            }
            value = value * 16 + digit;
        }
        if (value < 0 || value > 0x10FFFF) {
            throw TemplateFailure.syntax("illegal Unicode character in a string", at + i);
        }
        out.appendCodePoint(value);
        return end;
    }
}

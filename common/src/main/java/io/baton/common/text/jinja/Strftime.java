package io.baton.common.text.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** C's {@code strftime} in the C locale. */
final class Strftime {
    private static final int MAX_FORMAT = 1000;

    private Strftime() {}

    static String format(String format, ZonedDateTime time) {
        if (format.length() > MAX_FORMAT) {
            throw TemplateFailure.limit("a date format of more than " + MAX_FORMAT + " characters");
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char directive = format.charAt(++i);
            boolean bare = directive == '-' && i + 1 < format.length();
            if (bare) {
                directive = format.charAt(++i);
            }
            String text = directive(directive, time);
            out.append(bare ? unpadded(text) : text);
        }
        return out.toString();
    }

    private static String unpadded(String text) {
        int zeros = 0;
        while (zeros < text.length() - 1 && text.charAt(zeros) == '0') {
            zeros++;
        }
        return text.substring(zeros);
    }

    private static String directive(char directive, ZonedDateTime time) {
        return switch (directive) {
            case 'Y' -> java("uuuu", time);
            case 'y' -> java("uu", time);
            case 'm' -> java("MM", time);
            case 'd' -> java("dd", time);
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'H' -> java("HH", time);
            case 'I' -> java("hh", time);
            case 'M' -> java("mm", time);
            case 'S' -> java("ss", time);
            case 'f' -> java("SSSSSS", time);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'a' -> java("EEE", time);
            case 'A' -> java("EEEE", time);
            case 'b', 'h' -> java("MMM", time);
            case 'B' -> java("MMMM", time);
            case 'j' -> java("DDD", time);
            case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
            case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
            case 'F' -> java("uuuu-MM-dd", time);
            case 'T' -> java("HH:mm:ss", time);
            case 'R' -> java("HH:mm", time);
            case 'D', 'x' -> java("MM/dd/uu", time);
            case 'X' -> java("HH:mm:ss", time);
            case 's' -> String.valueOf(time.toEpochSecond());
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            // Python's datetime.now() has no zone: both print as nothing.
            case 'z', 'Z' -> "";
            default ->
                    throw TemplateFailure.operation(
                            "strftime_now does not know the directive '%" + directive + "'");
        };
    }

    private static String java(String pattern, ZonedDateTime time) {
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
    }
}

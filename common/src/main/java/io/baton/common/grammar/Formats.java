package io.baton.common.grammar;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The formats of JSON Schema that are written, as regular expressions: each is a part of what the
 * format allows (29 February is in no year, years are 1000 to 2099, IPv6 addresses have all eight
 * groups, host names and mail addresses are short). Whether a top-level domain exists is not looked
 * up.
 */
final class Formats {
    private static final String DATE =
            "(?:1[0-9]|20)[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
                    + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
    private static final String CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]";
    private static final String TIME =
            CLOCK + ":[0-5][0-9](?:\\.[0-9]{1,6})?(?:Z|[+-]" + CLOCK + ")";
    private static final String N = "[0-9]{1,4}";
    private static final String DURATION_TIME =
            "T(?:NH(?:NM(?:NS)?)?|NM(?:NS)?|NS)".replace("N", N);
    private static final String DURATION =
            "P(?:(?:ND|NM(?:ND)?|NY(?:NM(?:ND)?)?)(?:X)?|X|NW)"
                    .replace("N", N)
                    .replace("X", DURATION_TIME);
    private static final String LABEL = "[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?";
    private static final String HOST = LABEL + "(?:\\." + LABEL + "){0,3}\\.[a-z]{2,6}";
    private static final String OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final String HEX = "[0-9a-f]";

    private static final Map<String, String> ALL =
            Map.of(
                    "date",
                    DATE,
                    "time",
                    TIME,
                    "date-time",
                    DATE + "T" + TIME,
                    "duration",
                    DURATION,
                    "uuid",
                    "H{8}-H{4}-[1-5]H{3}-[89ab]H{3}-H{12}".replace("H", HEX),
                    "email",
                    "[A-Za-z0-9_]{1,16}(?:[.+-][A-Za-z0-9_]{1,16}){0,2}@" + HOST,
                    "hostname",
                    HOST,
                    "ipv4",
                    OCTET + "(?:\\." + OCTET + "){3}",
                    "ipv6",
                    "(?:H{1,4}:){7}H{1,4}".replace("H", HEX),
                    "uri",
                    "https?://"
                            + HOST
                            + "(?:/[A-Za-z0-9_~-]{1,32}){0,6}/?(?:\\?[a-z]{1,12}=[A-Za-z0-9_-]{0,32})?");

    private Formats() {}

    /** The expression of a format, null if there is none of that name. */
    static @Nullable Regex find(String name) {
        String source = ALL.get(name);
        return source == null ? null : RegexParser.whole(source);
    }

    static String names() {
        return String.join(", ", new TreeMap<>(ALL).keySet());
    }
}

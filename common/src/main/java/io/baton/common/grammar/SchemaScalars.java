package io.baton.common.grammar;

import io.baton.common.grammar.NumberRange.Bound;
import io.baton.common.grammar.SchemaCompiler.Place;
import java.math.BigDecimal;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Strings and numbers of a schema as terminals. */
final class SchemaScalars {
    private static final Regex ANY = new Regex.Chars(CodePoints.ALL);

    /** OpenAPI's. All integers written are of 64 bits, all numbers fit a double. */
    private static final Set<String> NUMBER_FORMATS = Set.of("int32", "int64", "float", "double");

    private static final Bound LOWEST_INT32 =
            new Bound(BigDecimal.valueOf(Integer.MIN_VALUE), false);
    private static final Bound HIGHEST_INT32 =
            new Bound(BigDecimal.valueOf(Integer.MAX_VALUE), false);

    private SchemaScalars() {}

    static Terminal text(Place place, ObjectNode schema, Terminals terminals) {
        int min = count(place, schema, "minLength", 0);
        int max = count(place, schema, "maxLength", -1);
        if (max >= 0 && max < min) {
            throw Refusal.invalid(place.at("maxLength") + " is less than minLength");
        }
        JsonNode pattern = schema.get("pattern");
        JsonNode format = schema.get("format");
        Dfa made = null;
        if (pattern != null) {
            if (!pattern.isString()) {
                throw Refusal.invalid(place.at("pattern") + " must be a string");
            }
            made = both(made, RegexParser.found(pattern.stringValue()), terminals);
        }
        if (format != null) {
            Regex known = format.isString() ? Formats.find(format.stringValue()) : null;
            if (known == null) {
                throw unknownFormat(place);
            }
            Dfa quoted = terminals.known(Regex.quoted(known), "format " + format.stringValue());
            made = made == null ? quoted : terminals.both(made, quoted);
        }
        if (made == null) {
            return terminals.string(min, max);
        }
        return min == 0 && max < 0 ? made : both(made, new Regex.Repeat(ANY, min, max), terminals);
    }

    private static Refusal unknownFormat(Place place) {
        return Refusal.unsupported(
                "the format at %s is not supported; there are %s, and for numbers %s"
                        .formatted(
                                place.at("format"),
                                Formats.names(),
                                String.join(", ", new TreeSet<>(NUMBER_FORMATS))));
    }

    private static Dfa both(@Nullable Dfa known, Regex more, Terminals terminals) {
        Dfa made = terminals.regex(Regex.quoted(more), Nfa.Writing.JSON);
        return known == null ? made : terminals.both(known, made);
    }

    /** A format of numbers; one of strings says nothing of a number. */
    private static boolean isInt32(Place place, ObjectNode schema) {
        JsonNode format = schema.get("format");
        if (format == null) {
            return false;
        }
        String name = format.asString("");
        if (!NUMBER_FORMATS.contains(name) && Formats.find(name) == null) {
            throw unknownFormat(place);
        }
        return name.equals("int32");
    }

    static Terminal number(Place place, ObjectNode schema, boolean whole, Terminals terminals) {
        Dfa made = null;
        if (isInt32(place, schema)) {
            made = both(made, NumberRange.from(LOWEST_INT32), terminals, whole);
            made = both(made, NumberRange.to(HIGHEST_INT32), terminals, whole);
        }
        made = both(made, bound(place, schema, "minimum", true, false), terminals, whole);
        made = both(made, bound(place, schema, "exclusiveMinimum", true, true), terminals, whole);
        made = both(made, bound(place, schema, "maximum", false, false), terminals, whole);
        made = both(made, bound(place, schema, "exclusiveMaximum", false, true), terminals, whole);
        if (made != null) {
            return made;
        }
        return whole ? terminals.shared().integer() : terminals.shared().number();
    }

    private static @Nullable Regex bound(
            Place place, ObjectNode schema, String word, boolean lower, boolean exclusive) {
        JsonNode node = schema.get(word);
        if (node == null) {
            return null;
        }
        if (!node.isNumber()) {
            throw Refusal.invalid(place.at(word) + " must be a number");
        }
        BigDecimal value = node.decimalValue();
        Bound bound = new Bound(value, exclusive);
        return lower ? NumberRange.from(bound) : NumberRange.to(bound);
    }

    private static @Nullable Dfa both(
            @Nullable Dfa known, @Nullable Regex more, Terminals terminals, boolean whole) {
        if (more == null) {
            return known;
        }
        Dfa first =
                known == null
                        ? terminals.known(
                                RegexParser.whole(whole ? Terminals.INTEGER : Terminals.NUMBER),
                                whole ? Terminals.INTEGER : Terminals.NUMBER)
                        : known;
        return terminals.both(first, terminals.regex(more, Nfa.Writing.PLAIN));
    }

    /** A count from 0; the fallback if it is absent. */
    static int count(Place place, ObjectNode schema, String word, int fallback) {
        JsonNode node = schema.get(word);
        if (node == null) {
            return fallback;
        }
        boolean fits =
                node.isNumber()
                        && node.canConvertToInt()
                        && node.decimalValue().stripTrailingZeros().scale() <= 0
                        && node.intValue() >= 0;
        if (!fits || node.intValue() > GrammarLimits.MAX_TEXT_LENGTH) {
            throw Refusal.invalid(
                    "%s must be an integer from 0 to %d"
                            .formatted(place.at(word), GrammarLimits.MAX_TEXT_LENGTH));
        }
        return node.intValue();
    }
}

package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Typed reading of one JSON object's fields. Null is the same as absent. Each error names the field
 * with its path and the allowed values.
 */
final class Fields {
    private final JsonNode object;
    private final String prefix;

    Fields(JsonNode object, String prefix) {
        this.object = object;
        this.prefix = prefix;
    }

    /** The field's path as errors name it. */
    String path(String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    /** The field's value, or null if it is absent or null. */
    @Nullable JsonNode get(String name) {
        JsonNode node = object.get(name);
        return node == null || node.isNull() ? null : node;
    }

    boolean flag(String name, boolean fallback) {
        JsonNode node = get(name);
        if (node == null) {
            return fallback;
        }
        if (!node.isBoolean()) {
            throw invalid(name, "must be true or false");
        }
        return node.booleanValue();
    }

    OptionalLong integer(String name, long low, long high) {
        JsonNode node = get(name);
        if (node == null) {
            return OptionalLong.empty();
        }
        boolean fits = node.isIntegralNumber() && node.canConvertToLong();
        if (!fits || node.longValue() < low || node.longValue() > high) {
            throw invalid(name, "must be an integer from %d to %d".formatted(low, high));
        }
        return OptionalLong.of(node.longValue());
    }

    OptionalInt count(String name, int low, int high) {
        OptionalLong value = integer(name, low, high);
        return value.isPresent()
                ? OptionalInt.of(Math.toIntExact(value.getAsLong()))
                : OptionalInt.empty();
    }

    OptionalDouble number(String name, double low, double high) {
        JsonNode node = get(name);
        if (node == null) {
            return OptionalDouble.empty();
        }
        double value = node.isNumber() ? node.doubleValue() : Double.NaN;
        if (!(value >= low && value <= high)) {
            throw invalid(
                    name, "must be a number from %s to %s".formatted(plain(low), plain(high)));
        }
        return OptionalDouble.of(value);
    }

    Optional<String> text(String name, int minCharacters, int maxCharacters) {
        JsonNode node = get(name);
        if (node == null) {
            return Optional.empty();
        }
        int length = node.isString() ? node.stringValue().length() : -1;
        if (length < minCharacters || length > maxCharacters) {
            throw invalid(
                    name,
                    "must be a string of %d to %d characters"
                            .formatted(minCharacters, maxCharacters));
        }
        return Optional.of(node.stringValue());
    }

    BatonException invalid(String name, String rule) {
        return invalidAt(path(name), rule);
    }

    static BatonException invalidAt(String path, String rule) {
        return new BatonException(ErrorCode.INVALID_VALUE, "'%s' %s".formatted(path, rule), path);
    }

    private static String plain(double value) {
        if (value == Double.MIN_VALUE || value == Float.MIN_VALUE) {
            return "above 0";
        }
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }
}

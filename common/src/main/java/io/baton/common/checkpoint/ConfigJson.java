package io.baton.common.checkpoint;

import io.baton.common.error.BatonException;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/**
 * Checked access to one object of a folder's JSON; null counts as missing, as transformers does.
 */
record ConfigJson(String source, String path, JsonNode node) {
    static ConfigJson of(String source, JsonNode node) {
        return new ConfigJson(source, "", node);
    }

    boolean has(String name) {
        return node.hasNonNull(name);
    }

    /** Whether the name is there, be it null. */
    boolean states(String name) {
        return node.has(name);
    }

    Optional<ConfigJson> object(String name) {
        if (!has(name)) {
            return Optional.empty();
        }
        if (!node.path(name).isObject()) {
            throw wrong(name, "an object");
        }
        return Optional.of(new ConfigJson(source, path + name + ".", node.path(name)));
    }

    OptionalInt integer(String name) {
        if (!has(name)) {
            return OptionalInt.empty();
        }
        JsonNode value = node.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 0) {
            throw wrong(name, "a whole number");
        }
        return OptionalInt.of(value.asInt());
    }

    int required(String name) {
        return integer(name).orElseThrow(() -> missing(name));
    }

    Optional<Double> number(String name) {
        if (!has(name)) {
            return Optional.empty();
        }
        JsonNode value = node.path(name);
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw wrong(name, "a number");
        }
        return Optional.of(value.asDouble());
    }

    /** A number above 0. */
    double positive(String name, double fallback) {
        double value = number(name).orElse(fallback);
        if (!(value > 0)) {
            throw invalid("%s is %s, it must be above 0".formatted(label(name), value));
        }
        return value;
    }

    double requiredNumber(String name) {
        return number(name).orElseThrow(() -> missing(name));
    }

    boolean flag(String name, boolean fallback) {
        if (!has(name)) {
            return fallback;
        }
        if (!node.path(name).isBoolean()) {
            throw wrong(name, "true or false");
        }
        return node.path(name).asBoolean();
    }

    Optional<String> string(String name) {
        if (!has(name)) {
            return Optional.empty();
        }
        if (!node.path(name).isString()) {
            throw wrong(name, "a string");
        }
        return Optional.of(node.path(name).asString());
    }

    /** An array of numbers above 0. */
    float[] factors(String name) {
        JsonNode array = node.path(name);
        if (!array.isArray()) {
            throw wrong(name, "a list of numbers");
        }
        float[] factors = new float[array.size()];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = array.path(i).isNumber() ? (float) array.path(i).asDouble() : Float.NaN;
            if (!(factors[i] > 0) || Float.isInfinite(factors[i])) {
                throw wrong(name, "a list of numbers above 0");
            }
        }
        return factors;
    }

    /** What would be passed over otherwise. */
    void refuse(boolean isSet, String name, String what) {
        if (isSet) {
            throw invalid("%s is set: Baton does not run %s".formatted(label(name), what));
        }
    }

    BatonException missing(String name) {
        return invalid("'%s' is missing".formatted(label(name)));
    }

    private BatonException wrong(String name, String wanted) {
        return invalid("'%s' is not %s".formatted(label(name), wanted));
    }

    BatonException invalid(String what) {
        return CheckpointJson.invalid(source, what);
    }

    private String label(String name) {
        return path + name;
    }
}

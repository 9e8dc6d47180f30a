package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.ModelFile;
import java.util.Optional;

/** Checked access to a model file's keys {@code <architecture>.<name>}. */
final class ModelKeys {
    static final int MAX_LAYERS = 1024;
    static final int MAX_WIDTH = 1 << 18;
    static final int MAX_VOCAB = 1 << 20;
    static final int MAX_CONTEXT = 1 << 24;

    private final ModelFile file;
    private final String family;

    ModelKeys(ModelFile file) {
        this.file = file;
        this.family = file.architecture();
    }

    ModelFile file() {
        return file;
    }

    String family() {
        return family;
    }

    int required(String name, int max) {
        return optional(name, max).orElseThrow(() -> missing(name));
    }

    Optional<Integer> optional(String name, int max) {
        return atLeast(1, name, max);
    }

    /** A count that may be 0, which is as good as none. */
    int orNone(String name, int max) {
        return atLeast(0, name, max).orElse(0);
    }

    private Optional<Integer> atLeast(int min, String name, int max) {
        var value = file.integer(key(name));
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.getAsLong() < min || value.getAsLong() > max) {
            throw invalid(
                    "%s is %d, it must be in %d..%d"
                            .formatted(key(name), value.getAsLong(), min, max));
        }
        return Optional.of((int) value.getAsLong());
    }

    Optional<Double> number(String name) {
        var value = file.number(key(name));
        return value.isPresent() ? Optional.of(value.getAsDouble()) : Optional.empty();
    }

    /** A finite number above 0. */
    float positive(String name, double fallback) {
        float value = number(name).orElse(fallback).floatValue();
        requirePositive(name, value);
        return value;
    }

    /** A finite number, 0 for none. */
    float cap(String name, double fallback) {
        float value = number(name).orElse(fallback).floatValue();
        if (!(value >= 0) || Float.isInfinite(value)) {
            throw invalid("%s is %s, it must be 0 or above".formatted(key(name), value));
        }
        return value;
    }

    void refuseUnless(String name, double only, String what) {
        double value = number(name).orElse(only);
        if (value != only) {
            throw invalid("%s is %s: Baton does not run %s".formatted(key(name), value, what));
        }
    }

    void requirePositive(String name, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw invalid("%s is %s, it must be above 0".formatted(key(name), value));
        }
    }

    String key(String name) {
        return family + "." + name;
    }

    BatonException missing(String name) {
        return invalid("key '%s' is missing".formatted(key(name)));
    }

    BatonException invalid(String what) {
        return new BatonException(
                ErrorCode.MODEL_FILE_INVALID, "%s: %s.".formatted(file.source(), what));
    }
}

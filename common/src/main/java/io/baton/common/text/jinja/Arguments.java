package io.baton.common.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of one call.
 *
 * @param positional in order
 * @param named by keyword, in order
 */
record Arguments(List<Value> positional, Map<String, Value> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Value... positional) {
        return new Arguments(List.of(positional), Map.of());
    }

    /** Puts the arguments into the order of these parameters; those not given are null. */
    Bound bind(String function, String... parameters) {
        if (positional.size() > parameters.length) {
            throw TemplateFailure.operation(
                    "%s() takes at most %d arguments (%d given)"
                            .formatted(function, parameters.length, positional.size()));
        }
        @Nullable Value[] values = new @Nullable Value[parameters.length];
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        for (Map.Entry<String, Value> entry : named.entrySet()) {
            int index = List.of(parameters).indexOf(entry.getKey());
            if (index < 0) {
                throw TemplateFailure.operation(
                        "%s() got an unexpected keyword argument '%s'"
                                .formatted(function, entry.getKey()));
            }
            if (values[index] != null) {
                throw TemplateFailure.operation(
                        "%s() got multiple values for argument '%s'"
                                .formatted(function, entry.getKey()));
            }
            values[index] = entry.getValue();
        }
        return new Bound(function, parameters, values);
    }

    /** The arguments without the first {@code count} positional ones. */
    Arguments skip(int count) {
        return new Arguments(positional.subList(count, positional.size()), named);
    }

    /** Arguments in the order of a function's parameters. */
    record Bound(String function, String[] parameters, @Nullable Value[] values) {
        @Nullable Value optional(int index) {
            return values[index];
        }

        Value required(int index) {
            Value value = values[index];
            if (value == null) {
                throw TemplateFailure.operation(
                        "%s() missing required argument '%s'"
                                .formatted(function, parameters[index]));
            }
            return value;
        }

        Value or(int index, Value otherwise) {
            Value value = values[index];
            return value == null ? otherwise : value;
        }

        boolean flag(int index, boolean otherwise) {
            Value value = values[index];
            return value == null ? otherwise : Operators.truth(value);
        }

        /** An integer, clamped to the int range. */
        int integer(int index, int otherwise) {
            Value value = values[index];
            return value == null ? otherwise : Operators.clamped(value);
        }

        /** A string; null if it was not given or is None. */
        @Nullable StrValue text(int index) {
            Value value = values[index];
            if (value == null || value == Value.None.NONE) {
                return null;
            }
            if (value instanceof StrValue text) {
                return text;
            }
            Operators.defined(value);
            throw TemplateFailure.operation(
                    "%s() argument '%s' must be str, not %s"
                            .formatted(function, parameters[index], value.typeName()));
        }

        StrValue requiredText(int index) {
            StrValue text = text(index);
            if (text == null) {
                throw TemplateFailure.operation(
                        "%s() argument '%s' must be str".formatted(function, parameters[index]));
            }
            return text;
        }
    }
}

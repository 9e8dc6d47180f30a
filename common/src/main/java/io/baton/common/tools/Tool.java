package io.baton.common.tools;

import org.jspecify.annotations.Nullable;

/**
 * A tool that a model may call.
 *
 * @param name 1 to 64 of {@code A-Z a-z 0-9 . _ -}
 * @param description what it is for, null if not said
 * @param parameters JSON Schema of its arguments, null for none
 * @param strict whether every call of it must be valid under the schema
 */
public record Tool(
        String name, @Nullable String description, @Nullable String parameters, boolean strict) {
    /** The schema of arguments; an object without members where none is given. */
    public String schema() {
        return parameters == null
                ? "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
                : parameters;
    }
}

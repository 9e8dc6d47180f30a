package io.baton.common.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tool calls of earlier turns as templates expect them: OpenAI's API carries the arguments as a
 * string of JSON, templates want the object (vLLM and transformers users decode it, too).
 */
final class ToolCalls {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ToolCalls() {}

    /** The calls with their arguments decoded; whatever has another shape stays as it is. */
    static @Nullable Object parsed(@Nullable Object calls) {
        if (!(calls instanceof List<?> list)) {
            return calls;
        }
        List<@Nullable Object> parsed = new ArrayList<>(list.size());
        for (Object call : list) {
            parsed.add(
                    call instanceof Map<?, ?> members
                                    && members.get("function") instanceof Map<?, ?> function
                                    && function.get("arguments") instanceof String arguments
                            ? with(
                                    members,
                                    "function",
                                    with(function, "arguments", decoded(arguments)))
                            : call);
        }
        return parsed;
    }

    private static Map<Object, @Nullable Object> with(
            Map<?, ?> members, String name, Object value) {
        Map<Object, @Nullable Object> copy = new LinkedHashMap<>(members);
        copy.put(name, value);
        return copy;
    }

    private static Object decoded(String arguments) {
        if (arguments.isBlank()) {
            return Map.of();
        }
        try {
            return JSON.readValue(arguments, Map.class);
        } catch (JacksonException notAnObject) {
            // A model may have written broken JSON: the template then shows what it wrote.
            return arguments;
        }
    }
}

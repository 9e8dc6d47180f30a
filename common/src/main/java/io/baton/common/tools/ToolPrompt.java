package io.baton.common.tools;

import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tools for models whose chat template knows none: what they are and how to call them, said in the
 * system's turn, and calls and results of earlier turns as text. SmolLM 2's wording follows its
 * model card's format.
 */
public final class ToolPrompt {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ToolPrompt() {}

    /** What the system says of the tools. */
    public static String system(ToolStyle style, List<Map<String, Object>> tools) {
        return """
        You may call functions to answer the user's question. These functions are there, as JSON \
        schemas:
        <tools>%s</tools>
        Use a function only if the question needs it and all of its required arguments are known; \
        otherwise answer in plain text. To call, write nothing but this, with the function's name \
        and its arguments:
        %s"""
                .formatted(JSON.writeValueAsString(tools), example(style));
    }

    private static String example(ToolStyle style) {
        String call =
                "{\"name\": \"function_name\", \"%s\": {\"argument_name\": \"value\"}}"
                        .formatted(style.argumentsKey());
        return wrapped(style, "function_name", "{\"argument_name\": \"value\"}", call);
    }

    private static String wrapped(ToolStyle style, String name, String arguments, String objects) {
        String open = style.openers().getFirst();
        return switch (style) {
            case HERMES -> open + "\n" + objects + "\n" + style.closer();
            case SMOLLM, PHI4 -> open + "[" + objects + "]" + style.closer();
            case LLAMA3 -> objects;
            case MISTRAL -> open + "[" + objects + "]";
            case MISTRAL_ARGS -> open + name + "[ARGS]" + arguments;
            case GEMMA -> open + "\n" + objects + "\n```";
        };
    }

    /** A call of an earlier turn, as the model would have written it. */
    public static String call(ToolStyle style, String name, String arguments) {
        String object =
                "{\"name\": %s, \"%s\": %s}"
                        .formatted(JSON.writeValueAsString(name), style.argumentsKey(), arguments);
        return wrapped(style, name, arguments, object);
    }

    /** A tool's result, for a user's turn. */
    public static String result(String text) {
        return "<tool_response>\n" + text + "\n</tool_response>";
    }
}

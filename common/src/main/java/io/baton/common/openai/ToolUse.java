package io.baton.common.openai;

import io.baton.common.tools.Tool;
import java.util.List;
import java.util.Map;

/**
 * The tools of a request and what it wants of them.
 *
 * @param tools none if there are none, or if none may be called
 * @param plain the same as the client sent them, for templates
 * @param choice whether calls may or must be made
 * @param parallel whether one answer may make several calls
 */
public record ToolUse(
        List<Tool> tools, List<Map<String, Object>> plain, Choice choice, boolean parallel) {
    /** No tools. */
    public static final ToolUse NONE = new ToolUse(List.of(), List.of(), Choice.AUTO, true);

    /** Whether the model may choose, or must call. */
    public enum Choice {
        /** The model may answer or call. */
        AUTO,
        /** The model must call one of {@link #tools}. */
        REQUIRED
    }

    public ToolUse {
        tools = List.copyOf(tools);
        plain = List.copyOf(plain);
    }

    public boolean isEmpty() {
        return tools.isEmpty();
    }
}

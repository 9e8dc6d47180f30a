package io.baton.common.tools;

import java.util.List;
import java.util.Optional;

/**
 * How a model family writes calls.
 *
 * <pre>
 * hermes        &lt;tool_call&gt;\n{"name": "f", "arguments": {...}}\n&lt;/tool_call&gt;      (Hermes, Qwen 2.5 and 3)
 * smollm        &lt;tool_call&gt;[{"name": "f", "arguments": {...}}, ...]&lt;/tool_call&gt;   (SmolLM 2)
 * llama3        {"name": "f", "parameters": {...}}, perhaps after &lt;|python_tag|&gt;   (Llama 3.1 and later)
 * mistral       [TOOL_CALLS][{"name": "f", "arguments": {...}}, ...]               (Mistral up to v7)
 * mistral-args  [TOOL_CALLS]f[ARGS]{...}                                           (Mistral from v11)
 * phi4          &lt;|tool_call|&gt;[...]&lt;|/tool_call|&gt;, or functools[...]               (Phi-4-mini)
 * gemma         ```tool_code\n{"name": "f", "parameters": {...}}\n```              (Gemma)
 * </pre>
 */
public enum ToolStyle {
    HERMES("hermes", List.of("<tool_call>"), "</tool_call>", "arguments"),
    SMOLLM("smollm", List.of("<tool_call>"), "</tool_call>", "arguments"),
    LLAMA3("llama3", List.of("<|python_tag|>"), "", "parameters"),
    MISTRAL("mistral", List.of("[TOOL_CALLS]"), "", "arguments"),
    MISTRAL_ARGS("mistral-args", List.of("[TOOL_CALLS]"), "", "arguments"),
    PHI4("phi4", List.of("<|tool_call|>", "functools"), "<|/tool_call|>", "arguments"),
    GEMMA("gemma", List.of("```tool_code", "```tool_call", "```json"), "```", "parameters");

    private final String wire;
    private final List<String> openers;
    private final String closer;
    private final String argumentsKey;

    ToolStyle(String wire, List<String> openers, String closer, String argumentsKey) {
        this.wire = wire;
        this.openers = openers;
        this.closer = closer;
        this.argumentsKey = argumentsKey;
    }

    /** The name in configuration and between router and workers. */
    public String wire() {
        return wire;
    }

    /** Texts that begin calls; the first is the one that is asked for. */
    public List<String> openers() {
        return openers;
    }

    /** The text after calls, empty for none. */
    public String closer() {
        return closer;
    }

    /** Under what name the arguments stand. */
    public String argumentsKey() {
        return argumentsKey;
    }

    /** Whether an answer that begins with an object may be a call. */
    public boolean isBare() {
        return this == LLAMA3 || this == GEMMA;
    }

    /** Whether calls stand in one list. */
    public boolean isList() {
        return this == SMOLLM || this == MISTRAL || this == PHI4;
    }

    /** Whether calls may be written as a name and its arguments, without an object around. */
    boolean takesNames() {
        return this == MISTRAL || this == MISTRAL_ARGS;
    }

    /** Texts that may be control tokens of the model and must be seen all the same. */
    public List<String> markers() {
        List<String> markers = new java.util.ArrayList<>(openers);
        markers.add(closer);
        if (takesNames()) {
            markers.addAll(List.of("[ARGS]", "[CALL_ID]"));
        }
        return markers;
    }

    public static Optional<ToolStyle> named(String wire) {
        return java.util.Arrays.stream(values()).filter(s -> s.wire.equals(wire)).findFirst();
    }

    /**
     * The style of the models that a chat template is for; empty if the template has tools in a way
     * that none of these is.
     */
    public static Optional<ToolStyle> ofTemplate(String source) {
        if (source.contains("[TOOL_CALLS]")) {
            return Optional.of(source.contains("[ARGS]") ? MISTRAL_ARGS : MISTRAL);
        }
        if (source.contains("<|python_tag|>")
                || source.contains("\"parameters\": dictionary of argument name")) {
            return Optional.of(LLAMA3);
        }
        if (source.contains("functools") || source.contains("<|tool_call|>")) {
            return Optional.of(PHI4);
        }
        if (source.contains("<function=")) {
            return Optional.empty();
        }
        if (source.contains("SmolLM")) {
            return Optional.of(SMOLLM);
        }
        if (source.contains("<tool_call>")) {
            return Optional.of(HERMES);
        }
        if (source.contains("<start_of_turn>")) {
            return Optional.of(GEMMA);
        }
        return knowsTools(source) ? Optional.empty() : Optional.of(HERMES);
    }

    /** Whether a template writes tools itself. */
    public static boolean knowsTools(String source) {
        return source.contains("tools");
    }
}

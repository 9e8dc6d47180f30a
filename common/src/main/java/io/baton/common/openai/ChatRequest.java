package io.baton.common.openai;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A checked request to {@code /v1/chat/completions}.
 *
 * @param templateVariables {@code chat_template_kwargs} as plain values: null, Boolean, Long,
 *     Double, String, List, Map
 */
public record ChatRequest(
        List<ChatMessage> messages,
        boolean addGenerationPrompt,
        boolean continueFinalMessage,
        Map<String, Object> templateVariables,
        ToolUse tools,
        GenerationOptions options) {
    public ChatRequest {
        messages = List.copyOf(messages);
        templateVariables = Collections.unmodifiableMap(new LinkedHashMap<>(templateVariables));
    }
}

package io.baton.router.registry;

import io.baton.common.generation.SamplingChoice;
import io.baton.common.model.GgufFile;
import io.baton.common.model.SamplingKeys;
import io.baton.common.openai.ChatMessage;
import io.baton.common.openai.TextRequests.TemplateUse;
import io.baton.common.text.ChatInput;
import io.baton.common.text.ChatTemplate;
import io.baton.common.text.ChatTemplates;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.tools.ToolStyle;
import io.baton.common.worker.ModelText;
import io.baton.router.registry.ServedText.Wishes;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Builds served texts from GGUF metadata and a Jinja template.
 *
 * @param clock what templates that write the date see
 * @param wishes what the operator says
 */
public record GgufServedText(Clock clock, Wishes wishes) implements ServedText.Factory {
    @Override
    public ServedText build(ModelText text) {
        try (GgufFile file = GgufFile.ofBytes(text.gguf())) {
            Tokenizer tokenizer = Tokenizers.of(file);
            SamplingChoice recommended =
                    wishes.recommendations() ? SamplingKeys.of(file) : SamplingChoice.NONE;
            if (text.chatTemplate().isEmpty()) {
                return new ServedText(tokenizer, Optional.empty(), recommended);
            }
            ChatTemplate template =
                    ChatTemplate.parse(text.chatTemplate(), ChatTemplate.Options.of(clock));
            return new ServedText(
                    tokenizer,
                    Optional.of(
                            new Templated(
                                    template,
                                    tokenizer,
                                    ChatTemplates.stops(text.chatTemplate()),
                                    tools(text.chatTemplate()),
                                    toolMarks(tokenizer))),
                    recommended);
        }
    }

    @Override
    public ServedText.Factory with(Wishes given) {
        return new GgufServedText(clock, given);
    }

    /**
     * @param style the syntax of calls, if it is known
     * @param inTemplate whether the template writes tools itself
     */
    private record Tools(Optional<ToolStyle> style, boolean inTemplate) {}

    private Tools tools(String source) {
        return new Tools(
                wishes.toolStyle().or(() -> ToolStyle.ofTemplate(source)),
                ToolStyle.knowsTools(source));
    }

    private static Map<String, Integer> toolMarks(Tokenizer tokenizer) {
        Set<String> marks = new HashSet<>();
        for (ToolStyle style : ToolStyle.values()) {
            marks.addAll(style.markers());
        }
        Map<String, Integer> tokens = new HashMap<>();
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            if (tokenizer.isControl(token)
                    && !tokenizer.isEndOfGeneration(token)
                    && marks.contains(tokenizer.name(token))) {
                tokens.put(tokenizer.name(token), token);
            }
        }
        return Map.copyOf(tokens);
    }

    private record Templated(
            ChatTemplate template,
            Tokenizer tokenizer,
            List<String> stops,
            Tools tools,
            Map<String, Integer> toolMarks)
            implements ServedText.Chat {
        @Override
        public PromptText render(List<ChatMessage> messages, TemplateUse use) {
            return tools.inTemplate() || tools.style().isEmpty()
                    ? GgufServedText.render(template, tokenizer, messages, use)
                    : GgufServedText.render(
                            template,
                            tokenizer,
                            ToolText.plain(messages, use.tools(), tools.style().get()),
                            new TemplateUse(
                                    use.addGenerationPrompt(),
                                    use.continueFinalMessage(),
                                    use.variables(),
                                    List.of()));
        }

        @Override
        public Optional<ToolStyle> toolStyle() {
            return tools.style();
        }
    }

    private static PromptText render(
            ChatTemplate template,
            Tokenizer tokenizer,
            List<ChatMessage> messages,
            TemplateUse use) {
        List<Map<String, Object>> plain = new ArrayList<>(messages.size());
        for (ChatMessage message : messages) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("role", message.role());
            map.put("content", message.content());
            if (message.name() != null) {
                map.put("name", message.name());
            }
            if (!message.calls().isEmpty()) {
                map.put("tool_calls", message.calls().stream().map(GgufServedText::call).toList());
            }
            if (message.callId() != null) {
                map.put("tool_call_id", message.callId());
            }
            plain.add(map);
        }
        return template.render(
                ChatInput.of(plain)
                        .withTokens(
                                name(tokenizer, tokenizer.bos()), name(tokenizer, tokenizer.eos()))
                        .withTools(use.tools().isEmpty() ? null : use.tools())
                        .withExtra(use.variables())
                        .withEnd(use.addGenerationPrompt(), use.continueFinalMessage()));
    }

    private static Map<String, Object> call(ChatMessage.Call call) {
        return Map.of(
                "id",
                call.id(),
                "type",
                "function",
                "function",
                Map.of("name", call.name(), "arguments", call.arguments()));
    }

    private static @Nullable String name(Tokenizer tokenizer, OptionalInt id) {
        return id.isPresent() ? tokenizer.name(id.getAsInt()) : null;
    }
}

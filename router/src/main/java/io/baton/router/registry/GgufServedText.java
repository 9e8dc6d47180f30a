package io.baton.router.registry;

import io.baton.common.model.GgufFile;
import io.baton.common.openai.ChatMessage;
import io.baton.common.openai.TextRequests.TemplateUse;
import io.baton.common.text.ChatInput;
import io.baton.common.text.ChatTemplate;
import io.baton.common.text.ChatTemplates;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.worker.ModelText;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Builds served texts from GGUF metadata and a Jinja template.
 *
 * @param clock what templates that write the date see
 */
public record GgufServedText(Clock clock) implements ServedText.Factory {
    @Override
    public ServedText build(ModelText text) {
        try (GgufFile file = GgufFile.ofBytes(text.gguf())) {
            Tokenizer tokenizer = Tokenizers.of(file);
            if (text.chatTemplate().isEmpty()) {
                return new ServedText(tokenizer, Optional.empty());
            }
            ChatTemplate template =
                    ChatTemplate.parse(text.chatTemplate(), ChatTemplate.Options.of(clock));
            return new ServedText(
                    tokenizer,
                    Optional.of(
                            new Templated(
                                    template,
                                    tokenizer,
                                    ChatTemplates.stops(text.chatTemplate()))));
        }
    }

    private record Templated(ChatTemplate template, Tokenizer tokenizer, List<String> stops)
            implements ServedText.Chat {
        @Override
        public PromptText render(List<ChatMessage> messages, TemplateUse use) {
            return GgufServedText.render(template, tokenizer, messages, use);
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
            plain.add(map);
        }
        return template.render(
                ChatInput.of(plain)
                        .withTokens(
                                name(tokenizer, tokenizer.bos()), name(tokenizer, tokenizer.eos()))
                        .withExtra(use.variables())
                        .withEnd(use.addGenerationPrompt(), use.continueFinalMessage()));
    }

    private static @Nullable String name(Tokenizer tokenizer, OptionalInt id) {
        return id.isPresent() ? tokenizer.name(id.getAsInt()) : null;
    }
}

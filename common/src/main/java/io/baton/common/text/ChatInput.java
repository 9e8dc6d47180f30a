package io.baton.common.text;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One conversation to be written as a prompt. Messages, tools and documents are JSON-like trees as
 * the client sent them (null, Boolean, Number, String, List, Map with String keys); all of their
 * text is a user's, save known roles.
 *
 * @param messages each with {@code role}, {@code content} and whatever else the client sent
 * @param tools OpenAI's tool objects; null for none
 * @param documents objects with {@code title} and {@code text}; null for none
 * @param addGenerationPrompt whether the start of an assistant's turn is written last
 * @param continueFinalMessage whether the last message is left open, so that the model goes on with
 *     it; not together with {@code addGenerationPrompt}
 * @param specials the texts of the model's special tokens that templates name, such as {@code
 *     bos_token}; these are the server's own
 * @param extra the client's {@code chat_template_kwargs}
 */
public record ChatInput(
        List<? extends Map<String, ? extends @Nullable Object>> messages,
        @Nullable List<?> tools,
        @Nullable List<?> documents,
        boolean addGenerationPrompt,
        boolean continueFinalMessage,
        Map<String, String> specials,
        Map<String, ? extends @Nullable Object> extra) {

    /** A conversation whose next turn is the assistant's. */
    public static ChatInput of(List<? extends Map<String, ? extends @Nullable Object>> messages) {
        return new ChatInput(messages, null, null, true, false, Map.of(), Map.of());
    }

    /** With the texts of BOS and EOS; null for a model without. */
    public ChatInput withTokens(@Nullable String bos, @Nullable String eos) {
        Map<String, String> texts = new LinkedHashMap<>(specials);
        if (bos != null) {
            texts.put("bos_token", bos);
        }
        if (eos != null) {
            texts.put("eos_token", eos);
        }
        return new ChatInput(
                messages,
                tools,
                documents,
                addGenerationPrompt,
                continueFinalMessage,
                Map.copyOf(texts),
                extra);
    }

    public ChatInput withTools(@Nullable List<?> given) {
        return new ChatInput(
                messages,
                given,
                documents,
                addGenerationPrompt,
                continueFinalMessage,
                specials,
                extra);
    }

    public ChatInput withExtra(Map<String, ? extends @Nullable Object> given) {
        return new ChatInput(
                messages,
                tools,
                documents,
                addGenerationPrompt,
                continueFinalMessage,
                specials,
                given);
    }

    /** With the end of the prompt as the request asks for it. */
    public ChatInput withEnd(boolean generationPrompt, boolean continued) {
        return new ChatInput(
                messages, tools, documents, generationPrompt, continued, specials, extra);
    }
}

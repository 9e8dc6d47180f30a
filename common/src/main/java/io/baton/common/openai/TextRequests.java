package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Requests to {@code /tokenize} and {@code /detokenize}, in vLLM's and llama.cpp's spellings. */
public final class TextRequests {
    private static final Set<String> TOKENIZE_FIELDS =
            Set.of(
                    "model",
                    "prompt",
                    "content",
                    "messages",
                    "add_special_tokens",
                    "add_special",
                    "add_generation_prompt",
                    "continue_final_message",
                    "return_token_strs",
                    "with_pieces",
                    "chat_template_kwargs",
                    "tools");
    private static final Set<String> DETOKENIZE_FIELDS = Set.of("model", "tokens");
    private static final int MAX_MODEL_CHARACTERS = 256;

    private TextRequests() {}

    /**
     * What to tokenize: exactly one of text and messages.
     *
     * @param text a plain text, null if {@code messages} is given
     * @param messages a conversation to render first; empty if {@code text} is given
     * @param strings whether the tokens' names are wanted too
     */
    public record Tokenize(
            @Nullable String model,
            @Nullable String text,
            List<ChatMessage> messages,
            TemplateUse template,
            boolean addSpecialTokens,
            boolean strings) {
        public Tokenize {
            messages = List.copyOf(messages);
        }
    }

    /**
     * How a conversation is rendered.
     *
     * @param tools as the client sent them; empty for none
     */
    public record TemplateUse(
            boolean addGenerationPrompt,
            boolean continueFinalMessage,
            Map<String, Object> variables,
            List<Map<String, Object>> tools) {}

    /** Token ids, all at least 0, to turn into text. */
    public record Detokenize(@Nullable String model, int[] tokens) {}

    /** Parses a tokenize request. */
    public static Tokenize tokenize(byte[] body) {
        ObjectNode root = StrictJson.parseObject(body);
        known(root, TOKENIZE_FIELDS);
        Fields fields = new Fields(root, "");
        String text =
                fields.text("prompt", 0, Integer.MAX_VALUE)
                        .or(() -> fields.text("content", 0, Integer.MAX_VALUE))
                        .orElse(null);
        JsonNode messages = fields.get("messages");
        if ((text == null) == (messages == null)) {
            throw fields.invalid("prompt", "(a string) or messages must be given, and not both");
        }
        boolean addSpecial = fields.flag("add_special", text != null);
        return new Tokenize(
                fields.text("model", 1, MAX_MODEL_CHARACTERS).orElse(null),
                text,
                messages == null ? List.of() : RequestParser.messages(messages),
                new TemplateUse(
                        fields.flag("add_generation_prompt", true),
                        fields.flag("continue_final_message", false),
                        RequestParser.templateVariables(fields.get("chat_template_kwargs")),
                        ToolParser.parse(fields).plain()),
                fields.flag("add_special_tokens", addSpecial),
                fields.flag("return_token_strs", fields.flag("with_pieces", false)));
    }

    /** Parses a detokenize request. */
    public static Detokenize detokenize(byte[] body) {
        ObjectNode root = StrictJson.parseObject(body);
        known(root, DETOKENIZE_FIELDS);
        Fields fields = new Fields(root, "");
        JsonNode tokens = fields.get("tokens");
        if (tokens == null || !tokens.isArray()) {
            throw fields.invalid("tokens", "must be a list of token ids");
        }
        int[] ids = new int[tokens.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = OptionsParser.tokenId(tokens.get(i), "tokens");
        }
        return new Detokenize(fields.text("model", 1, MAX_MODEL_CHARACTERS).orElse(null), ids);
    }

    private static void known(ObjectNode root, Set<String> names) {
        for (String name : root.propertyNames()) {
            if (!names.contains(name)) {
                String shown = RequestFields.shorten(name);
                throw new BatonException(
                        ErrorCode.UNKNOWN_PARAMETER,
                        "unknown parameter '%s'; remove it".formatted(shown),
                        shown);
            }
        }
    }
}

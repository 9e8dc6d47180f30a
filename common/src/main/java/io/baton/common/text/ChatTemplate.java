package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.text.jinja.JinjaTemplate;
import io.baton.common.text.jinja.Limits;
import io.baton.common.text.jinja.TemplateValue;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model's chat template: a conversation in, the prompt's text out, with what users wrote marked,
 * so that control tokens typed by a user stay plain text. Renders what transformers renders, byte
 * for byte. Parsed once; immutable; safe for any thread.
 */
public final class ChatTemplate {
    private static final Set<String> ROLES =
            Set.of("system", "developer", "user", "assistant", "tool", "function");
    // As transformers has it: the space at the end tells whether the template trims its messages.
    private static final String OPEN_END = "CONTINUE_FINAL_MESSAGE_TAG ";
    private static final Set<String> RESERVED =
            Set.of(
                    "messages",
                    "tools",
                    "documents",
                    "add_generation_prompt",
                    "continue_final_message",
                    "bos_token",
                    "eos_token",
                    "chat_template",
                    "tokenize");

    private final JinjaTemplate template;
    private final Clock clock;
    private final boolean takesParts;

    private ChatTemplate(JinjaTemplate template, Clock clock) {
        this.template = template;
        this.clock = clock;
        this.takesParts = template.iteratesOver("content");
    }

    /**
     * How a template is read and run.
     *
     * @param clock the time and zone that {@code strftime_now} tells
     * @param limits what one render may cost
     */
    public record Options(Clock clock, Limits limits) {
        public static Options of(Clock clock) {
            return new Options(clock, Limits.DEFAULT);
        }
    }

    /**
     * Parses a template in the Jinja language.
     *
     * @throws BatonException MODEL_FILE_INVALID with line and column
     */
    public static ChatTemplate parse(String source, Options options) {
        return new ChatTemplate(JinjaTemplate.parse(source, options.limits()), options.clock());
    }

    /**
     * Whether messages reach the template with their content as a list of parts where the client
     * sent one. Otherwise their text parts are joined by line ends.
     */
    public boolean takesParts() {
        return takesParts;
    }

    /**
     * Writes a conversation as a prompt.
     *
     * @throws BatonException INVALID_REQUEST if the template refuses or fails with it;
     *     INVALID_VALUE for parts that are not text, or options that exclude each other
     */
    public PromptText render(ChatInput input) {
        check(input);
        List<TemplateValue> messages = new ArrayList<>(input.messages().size());
        String openMessage = null;
        for (int i = 0; i < input.messages().size(); i++) {
            Map<String, ? extends @Nullable Object> message = input.messages().get(i);
            Object content = content(message.get("content"), i);
            if (input.continueFinalMessage() && i == input.messages().size() - 1) {
                openMessage = lastText(content);
                content = opened(content);
            }
            messages.add(message(message, content));
        }
        Map<String, TemplateValue> variables = new LinkedHashMap<>();
        input.extra().forEach((name, value) -> variables.put(name, TemplateValue.untrusted(value)));
        input.specials().forEach((name, text) -> variables.put(name, TemplateValue.trusted(text)));
        variables.put("messages", TemplateValue.list(messages));
        variables.put("tools", TemplateValue.untrusted(input.tools()));
        variables.put("documents", TemplateValue.untrusted(input.documents()));
        variables.put("add_generation_prompt", TemplateValue.trusted(input.addGenerationPrompt()));
        PromptText prompt = template.render(variables, clock);
        return openMessage == null ? prompt : cut(prompt, openMessage);
    }

    private static void check(ChatInput input) {
        if (input.addGenerationPrompt() && input.continueFinalMessage()) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "continue_final_message and add_generation_prompt cannot both be true; set"
                            + " add_generation_prompt to false",
                    "continue_final_message");
        }
        if (input.continueFinalMessage() && input.messages().isEmpty()) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "continue_final_message needs a message to continue",
                    "continue_final_message");
        }
        for (String name : input.extra().keySet()) {
            if (RESERVED.contains(name)) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "chat_template_kwargs cannot set '" + name + "'",
                        "chat_template_kwargs");
            }
        }
    }

    private static TemplateValue message(
            Map<String, ? extends @Nullable Object> message, @Nullable Object content) {
        Map<String, TemplateValue> members = new LinkedHashMap<>();
        message.forEach(
                (name, value) ->
                        members.put(
                                name,
                                switch (name) {
                                    case "content" -> TemplateValue.untrusted(content);
                                    case "role" -> role(value);
                                    case "tool_calls" ->
                                            TemplateValue.untrusted(ToolCalls.parsed(value));
                                    default -> TemplateValue.untrusted(value);
                                }));
        return TemplateValue.object(members);
    }

    private static TemplateValue role(@Nullable Object role) {
        return role instanceof String name && ROLES.contains(name)
                ? TemplateValue.trusted(name)
                : TemplateValue.untrusted(role);
    }

    /** The content as the template wants it: parts as they are, or their text. */
    private @Nullable Object content(@Nullable Object content, int message) {
        if (!(content instanceof List<?> parts)) {
            return content;
        }
        StringBuilder joined = new StringBuilder();
        String separator = "";
        for (Object part : parts) {
            if (!(part instanceof Map<?, ?> fields)
                    || !"text".equals(fields.get("type"))
                    || !(fields.get("text") instanceof String text)) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "messages[%d].content has a part that is not {\"type\": \"text\", \"text\":"
                                        .formatted(message)
                                + " ...}; this server takes text only",
                        "messages");
            }
            joined.append(separator).append(text);
            separator = "\n";
        }
        return takesParts ? content : joined.toString();
    }

    /** The text that is to be continued. */
    private static String lastText(@Nullable Object content) {
        if (content instanceof String text) {
            return text;
        }
        if (content instanceof List<?> parts
                && !parts.isEmpty()
                && parts.getLast() instanceof Map<?, ?> part
                && part.get("text") instanceof String text) {
            return text;
        }
        throw new BatonException(
                ErrorCode.INVALID_VALUE,
                "continue_final_message is set, but the last message has no text to continue",
                "continue_final_message");
    }

    /** The content with a mark at its end. */
    private static Object opened(@Nullable Object content) {
        if (content instanceof List<?> parts && parts.getLast() instanceof Map<?, ?> last) {
            List<Object> marked = new ArrayList<>(parts);
            Map<Object, Object> part = new LinkedHashMap<>(last);
            part.put("text", lastText(content) + OPEN_END);
            marked.set(marked.size() - 1, part);
            return marked;
        }
        return lastText(content) + OPEN_END;
    }

    /** The prompt up to the mark. */
    private static PromptText cut(PromptText prompt, String open) {
        String text = prompt.text();
        int mark = text.lastIndexOf(OPEN_END.strip());
        if (mark < 0 || !text.contains(open.strip())) {
            throw new BatonException(
                    ErrorCode.INVALID_REQUEST,
                    "continue_final_message is set, but the model's chat template does not write"
                            + " the last message as it is",
                    "continue_final_message");
        }
        int end = mark;
        if (!text.startsWith(OPEN_END, mark)) {
            while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) {
                end--;
            }
        }
        List<PromptText.Range> untrusted = new ArrayList<>();
        for (PromptText.Range range : prompt.untrusted()) {
            if (range.from() < end) {
                untrusted.add(new PromptText.Range(range.from(), Math.min(range.to(), end)));
            }
        }
        return new PromptText(text.substring(0, end), untrusted);
    }
}

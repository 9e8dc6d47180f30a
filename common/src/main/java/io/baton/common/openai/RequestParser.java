package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Bytes of a body to a checked request. What it returns has passed every check that needs no model.
 */
public final class RequestParser {
    /** Most messages of a conversation. */
    public static final int MAX_MESSAGES = 4096;

    /** Most prompts of a completion request. */
    public static final int MAX_PROMPTS = 64;

    private static final int MAX_PARTS = 1024;
    private static final int MAX_NAME_CHARACTERS = 64;
    private static final Set<String> MESSAGE_FIELDS =
            Set.of(
                    "role",
                    "content",
                    "name",
                    "refusal",
                    "annotations",
                    "audio",
                    "tool_calls",
                    "function_call",
                    "tool_call_id",
                    "reasoning",
                    "reasoning_content");
    private static final Set<String> ROLES =
            Set.of("system", "developer", "user", "assistant", "tool");

    private RequestParser() {}

    /**
     * Parses a chat request.
     *
     * @throws BatonException with a 400 code; {@code param} names the field
     */
    public static ChatRequest chat(byte[] body) {
        ObjectNode root = StrictJson.parseObject(body);
        RequestFields.check(Endpoint.CHAT, root);
        Fields fields = new Fields(root, "");
        List<ChatMessage> messages = messages(fields.get("messages"));
        boolean continueFinal = fields.flag("continue_final_message", false);
        boolean generationPrompt = fields.flag("add_generation_prompt", true);
        if (continueFinal && generationPrompt) {
            throw fields.invalid("continue_final_message", "needs add_generation_prompt: false");
        }
        return new ChatRequest(
                messages,
                generationPrompt,
                continueFinal,
                templateVariables(fields.get("chat_template_kwargs")),
                tools(fields),
                new OptionsParser(root, Endpoint.CHAT).parse());
    }

    private static ToolUse tools(Fields fields) {
        ToolUse tools = ToolParser.parse(fields);
        ConstraintOption constraint = ConstraintParser.parse(fields);
        if (!tools.isEmpty() && constraint != null) {
            throw unsupported(constraint.param(), "not together with tools that may be called");
        }
        return tools;
    }

    /**
     * Parses a completion request.
     *
     * @throws BatonException with a 400 code; {@code param} names the field
     */
    public static CompletionRequest completion(byte[] body) {
        ObjectNode root = StrictJson.parseObject(body);
        RequestFields.check(Endpoint.COMPLETIONS, root);
        Fields fields = new Fields(root, "");
        List<Prompt> prompts = prompts(fields.get("prompt"));
        GenerationOptions options = new OptionsParser(root, Endpoint.COMPLETIONS).parse();
        boolean echo = fields.flag("echo", false);
        int sequences = prompts.size() * options.n();
        if (sequences > GenerationOptions.MAX_SEQUENCES) {
            throw fields.invalid(
                    "n",
                    "times the number of prompts is %d, at most %d are allowed"
                            .formatted(sequences, GenerationOptions.MAX_SEQUENCES));
        }
        return new CompletionRequest(prompts, echo, options);
    }

    /**
     * Parses a conversation, as {@code messages} of a chat or tokenize request.
     *
     * @throws BatonException INVALID_VALUE or UNSUPPORTED_PARAMETER
     */
    static List<ChatMessage> messages(@Nullable JsonNode node) {
        if (node == null || !node.isArray() || node.isEmpty() || node.size() > MAX_MESSAGES) {
            throw Fields.invalidAt(
                    "messages", "must be a list of 1 to %d messages".formatted(MAX_MESSAGES));
        }
        List<ChatMessage> messages = new ArrayList<>(node.size());
        for (JsonNode element : node) {
            messages.add(message(element, "messages[%d]".formatted(messages.size())));
        }
        return messages;
    }

    private static ChatMessage message(JsonNode node, String path) {
        if (!node.isObject()) {
            throw Fields.invalidAt(path, "must be an object");
        }
        Fields fields = new Fields(node, path);
        for (String name : node.propertyNames()) {
            if (!MESSAGE_FIELDS.contains(name)) {
                String shown = path + "." + RequestFields.shorten(name);
                throw new BatonException(
                        ErrorCode.UNKNOWN_PARAMETER,
                        "unknown parameter '%s'".formatted(shown),
                        shown);
            }
        }
        String role = fields.text("role", 1, 32).orElse("");
        if (role.equals("function")) {
            throw unsupported(fields.path("role"), "use tools and the role tool");
        }
        if (!ROLES.contains(role)) {
            throw fields.invalid("role", "must be system, developer, user, assistant or tool");
        }
        for (String name :
                List.of(
                        "refusal",
                        "annotations",
                        "audio",
                        "function_call",
                        "reasoning",
                        "reasoning_content")) {
            JsonNode value = fields.get(name);
            boolean empty = value == null || (value.isContainer() && value.isEmpty());
            if (!empty) {
                throw unsupported(fields.path(name), "not supported in a message");
            }
        }
        String name = fields.text("name", 1, MAX_NAME_CHARACTERS).orElse(null);
        String templateRole = role.equals("developer") ? "system" : role;
        List<ChatMessage.Call> calls =
                ToolParser.calls(fields.get("tool_calls"), fields.path("tool_calls"));
        if (!calls.isEmpty() && !role.equals("assistant")) {
            throw fields.invalid("tool_calls", "are an assistant's");
        }
        if (fields.get("tool_call_id") != null && !role.equals("tool")) {
            throw fields.invalid("tool_call_id", "is a tool's");
        }
        boolean empty = !calls.isEmpty() && fields.get("content") == null;
        return new ChatMessage(
                templateRole,
                empty ? "" : content(fields),
                name,
                calls,
                role.equals("tool") ? ToolParser.callId(fields, "tool_call_id") : null);
    }

    private static String content(Fields fields) {
        JsonNode node = fields.get("content");
        String rule = "must be a string or a list of text parts";
        if (node == null) {
            throw fields.invalid("content", rule);
        }
        if (node.isString()) {
            return node.stringValue();
        }
        if (!node.isArray() || node.isEmpty() || node.size() > MAX_PARTS) {
            throw fields.invalid("content", rule);
        }
        StringBuilder text = new StringBuilder();
        int index = 0;
        for (JsonNode part : node) {
            text.append(index == 0 ? "" : "\n");
            text.append(part(part, fields.path("content") + "[" + index + "]"));
            index++;
        }
        return text.toString();
    }

    private static String part(JsonNode node, String path) {
        if (!node.isObject()) {
            throw Fields.invalidAt(path, "must be an object");
        }
        Fields fields = new Fields(node, path);
        String type = fields.text("type", 1, 64).orElse("");
        if (!type.equals("text")) {
            throw unsupported(fields.path("type"), "only text parts are supported");
        }
        if (node.size() != 2) {
            throw fields.invalid("text", "and type are the only fields of a text part");
        }
        return fields.text("text", 0, Integer.MAX_VALUE)
                .orElseThrow(() -> fields.invalid("text", "must be a string"));
    }

    static Map<String, Object> templateVariables(@Nullable JsonNode node) {
        if (node == null) {
            return Map.of();
        }
        if (!node.isObject()) {
            throw Fields.invalidAt("chat_template_kwargs", "must be an object");
        }
        for (String name : List.of("chat_template", "tokenize")) {
            if (node.get(name) != null) {
                throw unsupported(
                        "chat_template_kwargs." + name, "templates come from the operator only");
            }
        }
        return plainObject(node);
    }

    /** An object's members as plain values. */
    static Map<String, Object> plainObject(JsonNode node) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            Object value = plain(entry.getValue());
            if (value != null) {
                map.put(entry.getKey(), value);
            }
        }
        return map;
    }

    private static @Nullable Object plain(JsonNode node) {
        if (node.isString()) {
            return node.stringValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        if (node.isIntegralNumber() && node.canConvertToLong()) {
            return node.longValue();
        }
        if (node.isNumber()) {
            return node.doubleValue();
        }
        if (node.isArray()) {
            List<@Nullable Object> list = new ArrayList<>();
            node.forEach(element -> list.add(plain(element)));
            return list;
        }
        if (node.isObject()) {
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            node.properties().forEach(e -> map.put(e.getKey(), plain(e.getValue())));
            return map;
        }
        return null;
    }

    private static List<Prompt> prompts(@Nullable JsonNode node) {
        String rule =
                "must be a string, a list of strings, a list of token ids or a list of such lists; at most %d prompts"
                        .formatted(MAX_PROMPTS);
        if (node != null && node.isString()) {
            return List.of(new Prompt.Text(node.stringValue()));
        }
        if (node == null || !node.isArray() || node.isEmpty()) {
            throw Fields.invalidAt("prompt", rule);
        }
        if (node.get(0).isNumber()) {
            return List.of(tokens(node));
        }
        if (node.size() > MAX_PROMPTS) {
            throw Fields.invalidAt("prompt", rule);
        }
        boolean texts = node.get(0).isString();
        List<Prompt> prompts = new ArrayList<>(node.size());
        for (JsonNode element : node) {
            if (texts && element.isString()) {
                prompts.add(new Prompt.Text(element.stringValue()));
            } else if (!texts && element.isArray() && !element.isEmpty()) {
                prompts.add(tokens(element));
            } else {
                throw Fields.invalidAt("prompt", rule);
            }
        }
        return prompts;
    }

    private static Prompt.Tokens tokens(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = OptionsParser.tokenId(array.get(i), "prompt");
        }
        return new Prompt.Tokens(ids);
    }

    static BatonException unsupported(String path, String why) {
        return new BatonException(
                ErrorCode.UNSUPPORTED_PARAMETER,
                "'%s' is not supported: %s".formatted(path, why),
                path);
    }
}

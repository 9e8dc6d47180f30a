package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.ToolUse.Choice;
import io.baton.common.tools.Tool;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads {@code tools}, {@code tool_choice} and {@code parallel_tool_calls}. */
final class ToolParser {
    private static final int MAX_TOOLS = 128;
    private static final int MAX_CALLS = 128;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final Pattern CALL_ID = Pattern.compile("[\\x21-\\x7e]{1,128}");
    private static final Set<String> TOOL_FIELDS = Set.of("type", "function");
    private static final Set<String> FUNCTION_FIELDS =
            Set.of("name", "description", "parameters", "strict");

    private ToolParser() {}

    static ToolUse parse(Fields fields) {
        JsonNode node = fields.get("tools");
        List<Tool> tools = new ArrayList<>();
        List<Map<String, Object>> plain = new ArrayList<>();
        if (node != null) {
            read(node, tools, plain);
        }
        boolean parallel = fields.flag("parallel_tool_calls", true);
        JsonNode choice = fields.get("tool_choice");
        if (choice == null || choice.isString() && choice.stringValue().equals("auto")) {
            return new ToolUse(tools, plain, Choice.AUTO, parallel);
        }
        if (choice.isString() && choice.stringValue().equals("none")) {
            return ToolUse.NONE;
        }
        if (tools.isEmpty()) {
            throw fields.invalid("tool_choice", "needs tools");
        }
        if (choice.isString() && choice.stringValue().equals("required")) {
            return new ToolUse(tools, plain, Choice.REQUIRED, parallel);
        }
        Tool named = named(choice, tools);
        return new ToolUse(List.of(named), plain, Choice.REQUIRED, false);
    }

    private static Tool named(JsonNode choice, List<Tool> tools) {
        String rule =
                "must be none, auto, required or {\"type\": \"function\", \"function\": {\"name\": ...}} of one of the tools";
        JsonNode function = choice.get("function");
        boolean shaped =
                choice.isObject()
                        && choice.size() == 2
                        && choice.path("type").asString("").equals("function")
                        && function != null
                        && function.size() == 1;
        String name = shaped ? choice.path("function").path("name").asString("") : "";
        return tools.stream()
                .filter(tool -> tool.name().equals(name))
                .findFirst()
                .orElseThrow(() -> Fields.invalidAt("tool_choice", rule));
    }

    private static void read(JsonNode node, List<Tool> tools, List<Map<String, Object>> plain) {
        if (!node.isArray() || node.size() > MAX_TOOLS) {
            throw Fields.invalidAt(
                    "tools", "must be a list of up to %d tools".formatted(MAX_TOOLS));
        }
        Set<String> names = new HashSet<>();
        for (JsonNode element : node) {
            String path = "tools[%d]".formatted(tools.size());
            Tool tool = tool(element, path);
            if (!names.add(tool.name())) {
                throw Fields.invalidAt(path + ".function.name", "is there twice");
            }
            tools.add(tool);
            plain.add(RequestParser.plainObject(element));
        }
    }

    private static Tool tool(JsonNode node, String path) {
        Fields tool = known(node, path, TOOL_FIELDS);
        String type = tool.text("type", 1, 64).orElse("");
        if (!type.equals("function")) {
            throw tool.invalid("type", "must be function");
        }
        JsonNode described = tool.get("function");
        if (described == null) {
            throw tool.invalid("function", "must be an object");
        }
        Fields function = known(described, tool.path("function"), FUNCTION_FIELDS);
        String name = function.text("name", 1, 64).orElse("");
        if (!NAME.matcher(name).matches()) {
            throw function.invalid("name", "must be 1 to 64 of A-Z a-z 0-9 . _ -");
        }
        JsonNode parameters = function.get("parameters");
        if (parameters != null && !parameters.isObject()) {
            throw function.invalid("parameters", "must be a JSON schema of an object");
        }
        return new Tool(
                name,
                function.text("description", 0, Integer.MAX_VALUE).orElse(null),
                parameters == null ? null : parameters.toString(),
                function.flag("strict", false));
    }

    private static Fields known(JsonNode node, String path, Set<String> names) {
        if (!node.isObject()) {
            throw Fields.invalidAt(path, "must be an object");
        }
        for (String name : node.propertyNames()) {
            if (!names.contains(name)) {
                String shown = path + "." + RequestFields.shorten(name);
                throw new BatonException(
                        ErrorCode.UNKNOWN_PARAMETER,
                        "unknown parameter '%s'".formatted(shown),
                        shown);
            }
        }
        return new Fields(node, path);
    }

    /** The calls of an earlier answer. */
    static List<ChatMessage.Call> calls(@Nullable JsonNode node, String path) {
        List<ChatMessage.Call> calls = new ArrayList<>();
        if (node == null) {
            return calls;
        }
        if (!node.isArray() || node.size() > MAX_CALLS) {
            throw Fields.invalidAt(path, "must be a list of up to %d calls".formatted(MAX_CALLS));
        }
        for (JsonNode element : node) {
            String at = "%s[%d]".formatted(path, calls.size());
            Fields call = known(element, at, Set.of("id", "type", "function", "index"));
            String type = call.text("type", 1, 64).orElse("function");
            JsonNode described = call.get("function");
            if (!type.equals("function") || described == null) {
                throw call.invalid("function", "must be an object, and type function");
            }
            Fields function = known(described, call.path("function"), Set.of("name", "arguments"));
            String name = function.text("name", 1, 64).orElse("");
            if (!NAME.matcher(name).matches()) {
                throw function.invalid("name", "must be 1 to 64 of A-Z a-z 0-9 . _ -");
            }
            calls.add(
                    new ChatMessage.Call(
                            callId(call, "id"),
                            name,
                            function.text("arguments", 0, Integer.MAX_VALUE).orElse("{}")));
        }
        return calls;
    }

    /** A call's id: any printable ASCII. */
    static String callId(Fields fields, String name) {
        String id = fields.text(name, 1, 128).orElse("");
        if (!CALL_ID.matcher(id).matches()) {
            throw fields.invalid(name, "must be 1 to 128 printable ASCII characters");
        }
        return id;
    }
}

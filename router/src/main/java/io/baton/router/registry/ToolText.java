package io.baton.router.registry;

import io.baton.common.openai.ChatMessage;
import io.baton.common.tools.ToolPrompt;
import io.baton.common.tools.ToolStyle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Conversations with tools for templates that know none: all of it becomes ordinary turns. */
final class ToolText {
    private ToolText() {}

    /**
     * @param tools as the client sent them; empty for none
     */
    static List<ChatMessage> plain(
            List<ChatMessage> messages, List<Map<String, Object>> tools, ToolStyle style) {
        List<ChatMessage> plain = new ArrayList<>(messages.size() + 1);
        for (ChatMessage message : messages) {
            ChatMessage last = plain.isEmpty() ? null : plain.getLast();
            if (message.role().equals("tool")) {
                String result = ToolPrompt.result(message.content());
                if (last != null
                        && last.role().equals("user")
                        && last.content().endsWith("</tool_response>")) {
                    // Results of one turn's calls are one turn.
                    plain.removeLast();
                    result = last.content() + "\n" + result;
                }
                plain.add(new ChatMessage("user", result, null));
            } else if (message.calls().isEmpty()) {
                plain.add(message);
            } else {
                plain.add(new ChatMessage(message.role(), called(message, style), message.name()));
            }
        }
        if (!tools.isEmpty()) {
            describe(plain, ToolPrompt.system(style, tools));
        }
        return plain;
    }

    private static String called(ChatMessage message, ToolStyle style) {
        List<String> lines = new ArrayList<>();
        if (!message.content().isEmpty()) {
            lines.add(message.content());
        }
        for (ChatMessage.Call call : message.calls()) {
            lines.add(ToolPrompt.call(style, call.name(), call.arguments()));
        }
        return String.join("\n", lines);
    }

    private static void describe(List<ChatMessage> plain, String description) {
        ChatMessage first = plain.getFirst();
        if (first.role().equals("system")) {
            plain.set(
                    0,
                    new ChatMessage(
                            "system", first.content() + "\n\n" + description, first.name()));
        } else {
            plain.addFirst(new ChatMessage("system", description, null));
        }
    }
}

package io.baton.common.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation.
 *
 * @param role system, user, assistant or tool
 * @param content text; parts are joined by a newline; empty for an answer of calls alone
 * @param name the participant's name, if given
 * @param calls tools that an answer called
 * @param callId the call that a tool's message answers; null for other roles
 */
public record ChatMessage(
        String role,
        String content,
        @Nullable String name,
        List<Call> calls,
        @Nullable String callId) {
    /**
     * A call that was made.
     *
     * @param arguments JSON as the model wrote it
     */
    public record Call(String id, String name, String arguments) {}

    public ChatMessage {
        calls = List.copyOf(calls);
    }

    /** A message that is only text. */
    public ChatMessage(String role, String content, @Nullable String name) {
        this(role, content, name, List.of(), null);
    }
}

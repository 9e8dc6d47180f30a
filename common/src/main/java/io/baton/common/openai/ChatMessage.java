package io.baton.common.openai;

import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation.
 *
 * @param role system, user or assistant
 * @param content text; parts are joined by a newline
 * @param name the participant's name, if given
 */
public record ChatMessage(String role, String content, @Nullable String name) {}

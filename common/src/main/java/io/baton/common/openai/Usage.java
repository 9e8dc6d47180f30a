package io.baton.common.openai;

/**
 * Tokens of an answer.
 *
 * @param promptTokens tokens of the prompt (once per prompt, however many choices)
 * @param completionTokens tokens generated, over all choices
 * @param cachedTokens tokens of the prompt whose KV was reused
 */
public record Usage(int promptTokens, int completionTokens, int cachedTokens) {}

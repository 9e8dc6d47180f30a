package io.baton.common.openai;

import java.util.List;

/**
 * A checked request to {@code /v1/completions}.
 *
 * @param prompts at least one
 * @param echo whether each prompt is put before its answer
 */
public record CompletionRequest(List<Prompt> prompts, boolean echo, GenerationOptions options) {
    public CompletionRequest {
        prompts = List.copyOf(prompts);
    }
}

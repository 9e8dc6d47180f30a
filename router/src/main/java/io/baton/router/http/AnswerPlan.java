package io.baton.router.http;

import io.baton.common.openai.AnswerJson;
import io.baton.common.openai.GenerationOptions;
import io.baton.common.openai.Usage;
import io.baton.common.text.Tokenizer;
import io.baton.router.dispatch.Job;
import java.util.List;

/**
 * A request ready to run and how to write its answer.
 *
 * @param echoes text before each choice's answer; empty texts for none
 * @param promptTokens tokens of all prompts, each counted once
 */
record AnswerPlan(
        Job job,
        GenerationOptions options,
        AnswerJson json,
        Tokenizer tokenizer,
        List<String> echoes,
        int promptTokens) {
    AnswerPlan {
        echoes = List.copyOf(echoes);
    }

    int choices() {
        return job.answers().size();
    }

    int logprobs() {
        return options.sampling().logprobs();
    }

    Usage usage(int completionTokens, int cachedTokens) {
        return new Usage(promptTokens, completionTokens, cachedTokens);
    }
}

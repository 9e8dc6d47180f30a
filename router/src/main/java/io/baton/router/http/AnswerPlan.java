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
 * @param echoes what stands before each choice's answer
 * @param promptTokens tokens of all prompts, each counted once
 */
record AnswerPlan(
        Job job,
        GenerationOptions options,
        AnswerJson json,
        Tokenizer tokenizer,
        List<Echo> echoes,
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

    /** Whether a choice's echo has log probabilities, too. */
    boolean scoresPrompt(int choice) {
        return job.answers().get(choice).sampling().promptLogprobs() >= 0;
    }

    Usage usage(int completionTokens, int cachedTokens) {
        return new Usage(promptTokens, completionTokens, cachedTokens);
    }
}

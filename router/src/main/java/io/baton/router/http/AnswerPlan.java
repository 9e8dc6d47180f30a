package io.baton.router.http;

import io.baton.common.openai.AnswerJson;
import io.baton.common.openai.GenerationOptions;
import io.baton.common.openai.Usage;
import io.baton.common.text.Tokenizer;
import io.baton.router.dispatch.Job;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request ready to run and how to write its answer.
 *
 * @param echoes what stands before each choice's answer
 * @param tools how calls are found in the answer; null where none may be made
 * @param promptTokens tokens of all prompts, each counted once
 */
record AnswerPlan(
        Job job,
        GenerationOptions options,
        AnswerJson json,
        Tokenizer tokenizer,
        List<Echo> echoes,
        @Nullable ToolPlan tools,
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

package io.baton.common.openai;

import io.baton.common.generation.SamplingChoice;
import io.baton.common.generation.SamplingParams;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The sampling part of a request: {@link SamplingParams} without what is known only later (tokens
 * left in the context, the choice's seed). Ranges are checked.
 *
 * @param choice what the request says of temperature, truncation and repetition
 * @param logprobs -1 for none, else how many alternatives
 * @param constraint the language of the answer, null for any text; not part of {@link #params}:
 *     what tools ask for may take its place
 */
public record SamplingOptions(
        int minTokens,
        SamplingChoice choice,
        float frequencyPenalty,
        float presencePenalty,
        Map<Integer, Float> logitBias,
        OptionalLong seed,
        List<String> stop,
        Set<Integer> stopTokenIds,
        boolean includeStop,
        boolean ignoreEos,
        boolean skipSpecialTokens,
        int logprobs,
        @Nullable ConstraintOption constraint) {
    public SamplingOptions {
        logitBias = Map.copyOf(logitBias);
        stop = List.copyOf(stop);
        stopTokenIds = Set.copyOf(stopTokenIds);
    }

    /**
     * Complete parameters of one choice. What neither the request nor the model says is OpenAI's
     * default.
     *
     * @param recommended by the model, where the request says nothing
     */
    public SamplingParams params(int maxTokens, long choiceSeed, SamplingChoice recommended) {
        SamplingChoice used = choice.or(recommended);
        return new SamplingParams(
                maxTokens,
                Math.min(minTokens, maxTokens),
                (float) used.temperature().orElse(1),
                used.topK().orElse(0),
                (float) used.topP().orElse(1),
                (float) used.minP().orElse(0),
                frequencyPenalty,
                presencePenalty,
                (float) used.repetitionPenalty().orElse(1),
                logitBias,
                choiceSeed,
                stop,
                stopTokenIds,
                includeStop,
                ignoreEos,
                skipSpecialTokens,
                logprobs,
                -1,
                null,
                Set.of());
    }

    /**
     * Checks what needs the model.
     *
     * @param vocab size of the model's vocabulary
     * @throws io.baton.common.error.BatonException INVALID_VALUE naming the field
     */
    public void requireVocabulary(int vocab) {
        for (int id : logitBias.keySet()) {
            if (id >= vocab) {
                throw Fields.invalidAt(
                        "logit_bias",
                        "names token %d, the vocabulary has 0 to %d".formatted(id, vocab - 1));
            }
        }
        for (int id : stopTokenIds) {
            if (id >= vocab) {
                throw Fields.invalidAt(
                        "stop_token_ids",
                        "names token %d, the vocabulary has 0 to %d".formatted(id, vocab - 1));
            }
        }
    }
}

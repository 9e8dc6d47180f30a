package io.baton.common.generation;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How tokens are chosen and when to stop; vLLM's meanings. Already validated: constructors
 * downstream may rely on the ranges.
 *
 * @param maxTokens tokens to generate at most, at least 1
 * @param minTokens no stop before so many tokens: until then, end and stop tokens cannot be sampled
 * @param temperature 0 means greedy
 * @param topK 0 means all
 * @param topP in (0, 1], 1 means all
 * @param minP in [0, 1], 0 means off: keep tokens with at least this share of the best one's
 *     probability
 * @param frequencyPenalty in [-2, 2], times the count among generated tokens
 * @param presencePenalty in [-2, 2], once for each token that was generated
 * @param repetitionPenalty above 0, 1 means off; over prompt and generated tokens
 * @param logitBias token id to an addend in [-100, 100]
 * @param seed of the counter-based random source: token i depends on (seed, i) alone
 * @param stop texts that end the answer
 * @param stopTokenIds tokens that end the answer
 * @param includeStop whether the stop text stays in the answer
 * @param ignoreEos whether the model's end tokens are ordinary tokens
 * @param skipSpecialTokens whether control tokens are left out of the text
 * @param logprobs -1 for none, else how many alternatives to report beside the chosen token
 * @param promptLogprobs -1 for none, else how many alternatives to report beside each token of the
 *     prompt but its first
 * @param constraint the language of the answer; null for any text
 * @param shownTokens control tokens that are part of the text even where others are left out
 */
public record SamplingParams(
        int maxTokens,
        int minTokens,
        float temperature,
        int topK,
        float topP,
        float minP,
        float frequencyPenalty,
        float presencePenalty,
        float repetitionPenalty,
        Map<Integer, Float> logitBias,
        long seed,
        List<String> stop,
        Set<Integer> stopTokenIds,
        boolean includeStop,
        boolean ignoreEos,
        boolean skipSpecialTokens,
        int logprobs,
        int promptLogprobs,
        @Nullable Constraint constraint,
        Set<Integer> shownTokens) {
    public SamplingParams {
        shownTokens = Set.copyOf(shownTokens);
        logitBias = Map.copyOf(logitBias);
        stop = List.copyOf(stop);
        stopTokenIds = Set.copyOf(stopTokenIds);
    }

    /** Greedy decoding of {@code maxTokens} tokens, nothing else set. */
    public static SamplingParams greedy(int maxTokens) {
        return new SamplingParams(
                maxTokens, 0, 0f, 0, 1f, 0f, 0f, 0f, 1f, Map.of(), 0L, List.of(), Set.of(), false,
                false, true, -1, -1, null, Set.of());
    }

    /** The same with further texts that end the answer. */
    public SamplingParams withStops(List<String> more) {
        if (more.isEmpty()) {
            return this;
        }
        List<String> all = new java.util.ArrayList<>(stop);
        all.addAll(more);
        return with(all, promptLogprobs, constraint, shownTokens);
    }

    /** The same with another {@link #promptLogprobs}. */
    public SamplingParams withPromptLogprobs(int tops) {
        return tops == promptLogprobs ? this : with(stop, tops, constraint, shownTokens);
    }

    /** The same with another {@link #constraint}. */
    public SamplingParams withConstraint(@Nullable Constraint language) {
        return with(stop, promptLogprobs, language, shownTokens);
    }

    /** The same with other {@link #shownTokens}. */
    public SamplingParams withShownTokens(Set<Integer> shown) {
        return with(stop, promptLogprobs, constraint, shown);
    }

    /** Whether a control token is left out of the text. */
    public boolean hidesControl(int token) {
        return skipSpecialTokens && !shownTokens.contains(token);
    }

    private SamplingParams with(
            List<String> stops, int promptTops, @Nullable Constraint language, Set<Integer> shown) {
        return new SamplingParams(
                maxTokens,
                minTokens,
                temperature,
                topK,
                topP,
                minP,
                frequencyPenalty,
                presencePenalty,
                repetitionPenalty,
                logitBias,
                seed,
                stops,
                stopTokenIds,
                includeStop,
                ignoreEos,
                skipSpecialTokens,
                logprobs,
                promptTops,
                language,
                shown);
    }
}

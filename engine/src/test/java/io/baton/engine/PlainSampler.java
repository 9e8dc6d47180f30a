package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.generation.TokenOutput.TopToken;
import io.baton.common.grammar.TokenMask;
import io.baton.engine.Sampler.History;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sampling written down in the plainest way, a loop for each thing: what {@link Sampler} must give
 * to the bit, however it comes to it.
 */
final class PlainSampler {
    /** vLLM takes temperatures below this as greedy. */
    private static final float GREEDY_BELOW = 1e-5f;

    private final int vocab;
    private final Set<Integer> endTokens;
    private final float[] scores;
    private final int[] counts;
    private final Truncation truncation;

    /**
     * @param vocab number of logits
     * @param endTokens the model's end tokens
     */
    PlainSampler(int vocab, Set<Integer> endTokens) {
        this.vocab = vocab;
        this.endTokens = Set.copyOf(endTokens);
        this.scores = new float[vocab];
        this.counts = new int[vocab];
        this.truncation = new Truncation(vocab);
    }

    /**
     * Chooses the token with index {@code history.index()}.
     *
     * @param logits at least {@code vocab} finite values; not changed
     * @param mask the tokens to choose from, at least one; null for all
     * @param sha256 goes into the result as it is
     */
    TokenOutput choose(
            float[] logits,
            SamplingParams params,
            History history,
            @Nullable TokenMask mask,
            @Nullable String sha256) {
        float[] adjusted = adjust(logits, params, history, mask);
        int token =
                params.temperature() < GREEDY_BELOW
                        ? argmax(adjusted)
                        : draw(adjusted, params, history.index());
        if (params.logprobs() < 0) {
            return new TokenOutput(history.index(), token, 0f, List.of(), sha256);
        }
        double normaliser = logSumExp(logits);
        return new TokenOutput(
                history.index(),
                token,
                (float) (logits[token] - normaliser),
                top(logits, params.logprobs(), normaliser),
                sha256);
    }

    private float[] adjust(
            float[] logits, SamplingParams params, History history, @Nullable TokenMask mask) {
        boolean tooShort = history.index() < params.minTokens();
        if (mask == null) {
            return adjust(logits, params, history, tooShort);
        }
        float[] adjusted = adjust(logits, params, history, tooShort);
        if (!keep(mask, adjusted) && tooShort) {
            keep(mask, adjust(logits, params, history, false));
        }
        return scores;
    }

    /**
     * Scores of the tokens in the mask, minus infinity for all others.
     *
     * @return whether any token is left
     */
    private boolean keep(TokenMask mask, float[] adjusted) {
        boolean any = false;
        for (int i = 0; i < vocab; i++) {
            scores[i] = mask.allows(i) ? adjusted[i] : Float.NEGATIVE_INFINITY;
            any |= scores[i] != Float.NEGATIVE_INFINITY;
        }
        return any;
    }

    private float[] adjust(
            float[] logits, SamplingParams params, History history, boolean tooShort) {
        boolean penalties =
                params.repetitionPenalty() != 1f
                        || params.frequencyPenalty() != 0f
                        || params.presencePenalty() != 0f;
        if (!tooShort && !penalties && params.logitBias().isEmpty()) {
            return logits;
        }
        System.arraycopy(logits, 0, scores, 0, vocab);
        if (tooShort) {
            mask(endTokens);
            mask(params.stopTokenIds());
        }
        for (Map.Entry<Integer, Float> bias : params.logitBias().entrySet()) {
            if (isToken(bias.getKey())) {
                scores[bias.getKey()] += bias.getValue();
            }
        }
        if (penalties) {
            penalise(params, history);
        }
        return scores;
    }

    private void mask(Set<Integer> tokens) {
        for (int token : tokens) {
            if (isToken(token)) {
                scores[token] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /**
     * Each token once, however often it occurs: its count among the generated tokens is
     * complemented when it is done. {@link #counts} is all zero before and after.
     */
    private void penalise(SamplingParams params, History history) {
        int[] tokens = history.tokens();
        for (int i = history.promptTokens(); i < history.size(); i++) {
            counts[tokens[i]]++;
        }
        for (int i = 0; i < history.size(); i++) {
            int token = tokens[i];
            int count = counts[token];
            if (count >= 0) {
                counts[token] = ~count;
                float repetition = params.repetitionPenalty();
                scores[token] =
                        scores[token] > 0 ? scores[token] / repetition : scores[token] * repetition;
                scores[token] -= params.frequencyPenalty() * count;
                scores[token] -= count > 0 ? params.presencePenalty() : 0f;
            }
        }
        for (int i = 0; i < history.size(); i++) {
            counts[tokens[i]] = 0;
        }
    }

    private int draw(float[] adjusted, SamplingParams params, int index) {
        truncation.keep(adjusted, params);
        double total = 0;
        for (int i = 0; i < truncation.size(); i++) {
            total += truncation.weight(i);
        }
        double goal = Sampler.uniform(params.seed(), index) * total;
        double sum = 0;
        for (int i = 0; i < truncation.size(); i++) {
            sum += truncation.weight(i);
            if (sum > goal) {
                return truncation.token(i);
            }
        }
        return argmax(adjusted);
    }

    private boolean isToken(int id) {
        return id >= 0 && id < vocab;
    }

    private int argmax(float[] values) {
        int best = 0;
        for (int i = 1; i < vocab; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }

    /** {@code log(sum(exp(x)))} in float64, summed in order of ids. */
    private double logSumExp(float[] logits) {
        double max = logits[argmax(logits)];
        double sum = 0;
        for (int i = 0; i < vocab; i++) {
            sum += Exp.ofNonPositive(logits[i] - max);
        }
        return max + StrictMath.log(sum);
    }

    /** The {@code count} greatest logits, best first, by insertion: {@code count} is at most 20. */
    private List<TopToken> top(float[] logits, int count, double normaliser) {
        int kept = Math.min(count, vocab);
        int[] best = new int[kept];
        int size = 0;
        for (int i = 0; i < vocab && kept > 0; i++) {
            if (size == kept && logits[i] <= logits[best[size - 1]]) {
                continue;
            }
            int at = size < kept ? size++ : size - 1;
            while (at > 0 && logits[i] > logits[best[at - 1]]) {
                best[at] = best[at - 1];
                at--;
            }
            best[at] = i;
        }
        List<TopToken> top = new ArrayList<>(kept);
        for (int token : Arrays.copyOf(best, size)) {
            top.add(new TopToken(token, (float) (logits[token] - normaliser)));
        }
        return top;
    }

    private static final class Truncation {
        private final int vocab;
        private final int[] tokens;
        private final double[] weights;
        private final long[] order;
        private final float[] ranked;
        private int size;

        Truncation(int vocab) {
            this.vocab = vocab;
            this.tokens = new int[vocab];
            this.weights = new double[vocab];
            this.order = new long[vocab];
            this.ranked = new float[vocab];
        }

        /** Tokens kept, in order of ids if neither top_p nor top_k is set. */
        int size() {
            return size;
        }

        int token(int i) {
            return tokens[i];
        }

        /** {@code exp((logit - best) / temperature)} of the i-th token kept. */
        double weight(int i) {
            return weights[i];
        }

        void keep(float[] logits, SamplingParams params) {
            float best = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < vocab; i++) {
                best = Math.max(best, logits[i]);
            }
            float lowest = lowestOfTopK(logits, params.topK());
            size = 0;
            for (int i = 0; i < vocab; i++) {
                if (logits[i] >= lowest) {
                    double weight =
                            Exp.ofNonPositive(
                                    ((double) logits[i] - best) / (double) params.temperature());
                    // The best token's weight is 1, so min_p compares with the weight itself.
                    if (weight > 0 && weight >= params.minP()) {
                        tokens[size] = i;
                        weights[size++] = weight;
                    }
                }
            }
            if (params.topP() < 1f) {
                keepTopP(params.topP());
            }
        }

        /** The k-th greatest logit; everything if k is 0 or not below the vocabulary. */
        private float lowestOfTopK(float[] logits, int topK) {
            if (topK <= 0 || topK >= vocab) {
                return Float.NEGATIVE_INFINITY;
            }
            if (topK > 1024) {
                System.arraycopy(logits, 0, ranked, 0, vocab);
                Arrays.sort(ranked);
                return ranked[vocab - topK];
            }
            // A heap of the k greatest so far, the least of them on top.
            Arrays.fill(ranked, 0, topK, Float.NEGATIVE_INFINITY);
            for (int i = 0; i < vocab; i++) {
                if (logits[i] > ranked[0]) {
                    sink(logits[i], topK);
                }
            }
            return ranked[0];
        }

        private void sink(float value, int heapSize) {
            int at = 0;
            while (true) {
                int child = 2 * at + 1;
                if (child >= heapSize) {
                    break;
                }
                if (child + 1 < heapSize && ranked[child + 1] < ranked[child]) {
                    child++;
                }
                if (value <= ranked[child]) {
                    break;
                }
                ranked[at] = ranked[child];
                at = child;
            }
            ranked[at] = value;
        }

        /**
         * Keeps the most probable tokens until their share reaches {@code topP}; always at least
         * one. Equal tokens rank by id.
         */
        private void keepTopP(float topP) {
            double total = 0;
            for (int i = 0; i < size; i++) {
                total += weights[i];
            }
            // Tokens whose sum cannot matter need no ranking: all lighter than the missing mass
            // over
            // the vocabulary together weigh less than it.
            double negligible = (1.0 - topP) * total / vocab;
            int ranking = 0;
            for (int i = 0; i < size; i++) {
                if (weights[i] >= negligible) {
                    // Positive floats sort as their bits do; turned round, the best comes first.
                    int bits = Float.floatToRawIntBits((float) weights[i]);
                    order[ranking++] = (long) (Integer.MAX_VALUE - bits) << 32 | i;
                }
            }
            Arrays.sort(order, 0, ranking);
            int[] keptTokens = new int[ranking];
            double[] keptWeights = new double[ranking];
            int kept = 0;
            double before = 0;
            while (kept < ranking && before < topP * total) {
                int i = (int) order[kept];
                keptTokens[kept] = tokens[i];
                keptWeights[kept] = weights[i];
                before += weights[i];
                kept++;
            }
            System.arraycopy(keptTokens, 0, tokens, 0, kept);
            System.arraycopy(keptWeights, 0, weights, 0, kept);
            size = kept;
        }
    }

    static final class Exp {
        private static final double LOG2_E = 1.4426950408889634;
        private static final double LN2_HIGH = 6.93147180369123816490e-01;
        private static final double LN2_LOW = 1.90821492927058770002e-10;

        /** Below this, the result is taken as 0: it is under 1e-300. */
        private static final double SMALLEST = -690;

        private Exp() {}

        /** {@code e^x} for {@code x <= 0}; 0 for minus infinity. */
        static double ofNonPositive(double x) {
            if (!(x > SMALLEST)) {
                return 0;
            }
            double n = Math.rint(x * LOG2_E);
            double r = (x - n * LN2_HIGH) - n * LN2_LOW;
            double p = 1.0 / 6227020800.0;
            p = p * r + 1.0 / 479001600.0;
            p = p * r + 1.0 / 39916800.0;
            p = p * r + 1.0 / 3628800.0;
            p = p * r + 1.0 / 362880.0;
            p = p * r + 1.0 / 40320.0;
            p = p * r + 1.0 / 5040.0;
            p = p * r + 1.0 / 720.0;
            p = p * r + 1.0 / 120.0;
            p = p * r + 1.0 / 24.0;
            p = p * r + 1.0 / 6.0;
            p = p * r + 0.5;
            p = p * r + 1.0;
            p = p * r + 1.0;
            return p * Double.longBitsToDouble(((long) n + 1023) << 52);
        }
    }
}

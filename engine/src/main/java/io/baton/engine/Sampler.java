package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.generation.TokenOutput.TopToken;
import io.baton.common.grammar.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a token from logits: a pure function of (logits, parameters, tokens so far, index), the
 * same on every machine. Holds scratch arrays, so one thread at a time.
 *
 * <p>Order and meanings are vLLM's (v1 sampler): log-probabilities from the untouched logits; then
 * minimum length, logit bias, repetition, frequency and presence penalties, the constraint's mask;
 * then greedy, or temperature, min_p, top_k, top_p and a draw. Among equals the lowest id wins.
 *
 * <p>A minimum length forbids end and stop tokens, a constraint may leave nothing else: then the
 * constraint holds and the answer ends early.
 */
final class Sampler {
    /** vLLM takes temperatures below this as greedy. */
    private static final float GREEDY_BELOW = 1e-5f;

    private final int vocab;
    private final Set<Integer> endTokens;
    private final float[] scores;
    private final int[] counts;
    private final Truncation truncation;
    private final Exp exp = new Exp();

    /**
     * @param vocab number of logits
     * @param endTokens the model's end tokens
     */
    Sampler(int vocab, Set<Integer> endTokens) {
        this.vocab = vocab;
        this.endTokens = Set.copyOf(endTokens);
        this.scores = new float[vocab];
        this.counts = new int[vocab];
        this.truncation = new Truncation(vocab);
    }

    /**
     * The tokens before the one to be chosen.
     *
     * @param tokens prompt, then generated tokens
     * @param promptTokens how many are the prompt's
     * @param size how many there are
     */
    record History(int[] tokens, int promptTokens, int size) {
        int index() {
            return size - promptTokens;
        }
    }

    /**
     * Whether all values are finite. A forward pass that gives anything else has failed, and no
     * token may come of it.
     */
    static boolean isFinite(float[] logits, int count) {
        float most = 0;
        for (int i = 0; i < count; i++) {
            most = Math.max(most, Math.abs(logits[i]));
        }
        return most <= Float.MAX_VALUE;
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

    /**
     * The log probability of a token that is given.
     *
     * @param logits at least {@code vocab} finite values; not changed
     * @param index goes into the result as it is
     * @param tops alternatives to report
     */
    TokenOutput score(float[] logits, int index, int token, int tops) {
        double normaliser = logSumExp(logits);
        return new TokenOutput(
                index,
                token,
                (float) (logits[token] - normaliser),
                top(logits, tops, normaliser),
                null);
    }

    private float[] adjust(
            float[] logits, SamplingParams params, History history, @Nullable TokenMask mask) {
        boolean tooShort = history.index() < params.minTokens();
        float[] adjusted = adjust(logits, params, history, tooShort);
        if (mask == null) {
            return adjusted;
        }
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
        long[] words = mask.words();
        boolean any = false;
        for (int from = 0; from < vocab; from += Long.SIZE) {
            int to = Math.min(from + Long.SIZE, vocab);
            long word = from >>> 6 < words.length ? words[from >>> 6] : 0;
            if (word == 0) {
                Arrays.fill(scores, from, to, Float.NEGATIVE_INFINITY);
                continue;
            }
            for (int i = from; i < to; i++) {
                scores[i] = (word >>> i & 1) != 0 ? adjusted[i] : Float.NEGATIVE_INFINITY;
                any |= scores[i] != Float.NEGATIVE_INFINITY;
            }
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
        int best = argmax(adjusted);
        truncation.keep(adjusted, adjusted[best], params);
        double goal = uniform(params.seed(), index) * truncation.total();
        double sum = 0;
        for (int i = 0; i < truncation.size(); i++) {
            sum += truncation.weight(i);
            if (sum > goal) {
                return truncation.token(i);
            }
        }
        return best;
    }

    private boolean isToken(int id) {
        return id >= 0 && id < vocab;
    }

    /**
     * The random source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a counter, so
     * that draw i needs no draw before it.
     *
     * @return in [0, 1), a multiple of 2^-53
     */
    static double uniform(long seed, int index) {
        long mixed = mix(mix(seed) + 0x9e3779b97f4a7c15L * (index + 1L));
        return (mixed >>> 11) * 0x1.0p-53;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        long b = (a ^ (a >>> 27)) * 0x94d049bb133111ebL;
        return b ^ (b >>> 31);
    }

    private int argmax(float[] values) {
        int best = 0;
        float most = values[0];
        for (int i = 1; i < vocab; i++) {
            if (values[i] > most) {
                most = values[i];
                best = i;
            }
        }
        return best;
    }

    /** {@code log(sum(exp(x)))} in float64, summed in order of ids. */
    private double logSumExp(float[] logits) {
        double max = logits[argmax(logits)];
        double sum = 0;
        for (int from = 0; from < vocab; from += Exp.SIZE) {
            int size = Math.min(Exp.SIZE, vocab - from);
            exp.fill(logits, from, max, size);
            exp.run(size);
            for (int i = 0; i < size; i++) {
                sum += exp.values[i];
            }
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
}

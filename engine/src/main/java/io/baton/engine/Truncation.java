package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import java.util.Arrays;

/**
 * Which tokens a draw may choose, with their unnormalised probabilities: temperature, then min_p,
 * top_k and top_p as vLLM applies them. Ties at top_k's border all stay. Reused from draw to draw;
 * one thread at a time.
 */
final class Truncation {
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
     * Keeps the most probable tokens until their share reaches {@code topP}; always at least one.
     * Equal tokens rank by id.
     */
    private void keepTopP(float topP) {
        double total = 0;
        for (int i = 0; i < size; i++) {
            total += weights[i];
        }
        // Tokens whose sum cannot matter need no ranking: all lighter than the missing mass over
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

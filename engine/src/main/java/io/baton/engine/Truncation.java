package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import java.util.Arrays;

/**
 * Which tokens a draw may choose, with their unnormalised probabilities: temperature, then min_p,
 * top_k and top_p as vLLM applies them. Ties at top_k's border all stay. Reused from draw to draw;
 * one thread at a time.
 */
final class Truncation {
    private static final int MASS_SHIFT = 20;

    private final int vocab;
    private final int[] tokens;
    private final double[] weights;
    private final long[] order;
    private final float[] ranked;

    /** Weights summed by class: all with the same exponent and first three bits. */
    private final double[] masses = new double[(Integer.MAX_VALUE >>> MASS_SHIFT) + 1];

    private final Exp exp = new Exp();

    /** The tokens whose logits are in {@link #exp}. */
    private final int[] candidates = new int[Exp.SIZE];

    private int size;
    private double total;

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

    /** The sum of the weights of the tokens kept, in their order. */
    double total() {
        return total;
    }

    /**
     * Finds the tokens to keep.
     *
     * @param best the greatest logit
     */
    void keep(float[] logits, float best, SamplingParams params) {
        float lowest = lowestOfTopK(logits, params.topK());
        size = 0;
        total = 0;
        if (lowest == Float.NEGATIVE_INFINITY) {
            keepAll(logits, best, params);
        } else {
            keepFrom(lowest, logits, best, params);
        }
        if (params.topP() < 1f) {
            keepTopP(params.topP());
        }
    }

    private void keepAll(float[] logits, float best, SamplingParams params) {
        for (int from = 0; from < vocab; from += Exp.SIZE) {
            int count = Math.min(Exp.SIZE, vocab - from);
            for (int i = 0; i < count; i++) {
                candidates[i] = from + i;
            }
            exp.fill(logits, from, best, count);
            take(count, params);
        }
    }

    private void keepFrom(float lowest, float[] logits, float best, SamplingParams params) {
        int count = 0;
        for (int i = 0; i < vocab; i++) {
            if (logits[i] >= lowest) {
                candidates[count] = i;
                exp.values[count++] = (double) logits[i] - best;
                if (count == Exp.SIZE) {
                    take(count, params);
                    count = 0;
                }
            }
        }
        take(count, params);
    }

    /** Keeps those of the first {@code count} candidates that weigh enough. */
    private void take(int count, SamplingParams params) {
        exp.divide(params.temperature(), count);
        exp.run(count);
        double[] values = exp.values;
        // The best token's weight is 1, so min_p compares with the weight itself.
        double least = Math.max(Double.MIN_VALUE, params.minP());
        for (int i = 0; i < count; i++) {
            double weight = values[i];
            tokens[size] = candidates[i];
            weights[size] = weight;
            // What is left out weighs nothing in the sum, which changes no bit of it.
            total += weight >= least ? weight : 0;
            size += weight >= least ? 1 : 0;
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
        // Tokens whose sum cannot matter need no ranking: all lighter than the missing mass over
        // the vocabulary together weigh less than it.
        double negligible = (1.0 - topP) * total / vocab;
        int ranking = 0;
        Arrays.fill(masses, 0);
        for (int i = 0; i < size; i++) {
            if (weights[i] >= negligible) {
                // Positive floats sort as their bits do; turned round, the best comes first.
                int bits = Integer.MAX_VALUE - Float.floatToRawIntBits((float) weights[i]);
                order[ranking++] = (long) bits << 32 | i;
                masses[bits >>> MASS_SHIFT] += weights[i];
            }
        }
        double goal = topP * total;
        int sorted = sortHeaviest(ranking, goal);
        int[] keptTokens = new int[ranking];
        double[] keptWeights = new double[ranking];
        int kept = 0;
        double before = 0;
        while (kept < ranking && before < goal) {
            if (kept == sorted) {
                Arrays.sort(order, sorted, ranking);
                sorted = ranking;
            }
            int i = (int) order[kept];
            keptTokens[kept] = tokens[i];
            keptWeights[kept] = weights[i];
            before += weights[i];
            kept++;
        }
        System.arraycopy(keptTokens, 0, tokens, 0, kept);
        System.arraycopy(keptWeights, 0, weights, 0, kept);
        size = kept;
        total = before;
    }

    /**
     * Brings the heaviest of the ranked to the front, in order: as many as weigh {@code goal}
     * together, as far as sums over classes of weights tell.
     *
     * @return how many are in order
     */
    private int sortHeaviest(int ranking, double goal) {
        int last = 0;
        double mass = masses[0];
        while (mass < goal && last < masses.length - 1) {
            mass += masses[++last];
        }
        int front = 0;
        for (int k = 0; k < ranking; k++) {
            long entry = order[k];
            if ((int) (entry >>> 32) >>> MASS_SHIFT <= last) {
                order[k] = order[front];
                order[front++] = entry;
            }
        }
        Arrays.sort(order, 0, front);
        return front;
    }
}

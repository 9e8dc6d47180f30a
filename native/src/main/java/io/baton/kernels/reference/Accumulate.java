package io.baton.kernels.reference;

/**
 * The one inner loop of the reference: {@code sums[j] += w[i][j] * x[i]} for i in order. Each sum
 * is sequential over i in float32, whatever the vector width, because the vectorised loop runs over
 * j. Every array is indexed by j alone: with offsets, C2 must fear that they overlap, and does not
 * vectorise.
 */
final class Accumulate {
    private static final int UNROLL = 4;

    private Accumulate() {}

    /**
     * Scaled rows {@code w[from]} to {@code w[from + count - 1]}; {@code x[xAt]} scales the first.
     */
    record Terms(float[][] w, int from, int count, float[] x, int xAt) {}

    /** Adds the terms to the first {@code n} sums. */
    static void add(Terms terms, float[] sums, int n) {
        float[][] w = terms.w;
        float[] x = terms.x;
        int at = terms.from;
        int end = terms.from + terms.count;
        int i = terms.xAt;
        for (; at + UNROLL <= end; at += UNROLL, i += UNROLL) {
            four(
                    w[at], x[i], w[at + 1], x[i + 1], w[at + 2], x[i + 2], w[at + 3], x[i + 3],
                    sums, n);
        }
        for (; at < end; at++, i++) {
            one(w[at], x[i], sums, n);
        }
    }

    private static void one(float[] w, float x, float[] sums, int n) {
        for (int j = 0; j < n; j++) {
            sums[j] += w[j] * x;
        }
    }

    // Four rows in one pass, so that a sum is loaded and stored once in four. The rows are
    // parameters
    // because C2 does not vectorise over arrays that it loads from an array in the same method.
    private static void four(
            float[] w0,
            float x0,
            float[] w1,
            float x1,
            float[] w2,
            float x2,
            float[] w3,
            float x3,
            float[] sums,
            int n) {
        for (int j = 0; j < n; j++) {
            sums[j] = sums[j] + w0[j] * x0 + w1[j] * x1 + w2[j] * x2 + w3[j] * x3;
        }
    }
}

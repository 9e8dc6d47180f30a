package io.baton.kernels.reference;

/**
 * The one inner loop of the reference: {@code sums[j] += w[i][j] * x[i]} for i in order. Each sum
 * is sequential over i in float32, whatever the vector width, because the vectorised loop runs over
 * j.
 */
final class Accumulate {
    private static final int UNROLL = 8;

    private Accumulate() {}

    /**
     * Adds {@code count} scaled rows of {@code w}.
     *
     * @param at first element of row 0 in {@code w}
     * @param stride elements from row to row
     * @param xAt element of {@code x} that scales row 0
     * @param sums the first {@code n} elements are added to
     */
    static void rows(
            float[] w,
            int at,
            int stride,
            float[] x,
            int xAt,
            int count,
            float[] sums,
            int sumsAt,
            int n) {
        int i = 0;
        for (; i + UNROLL <= count; i += UNROLL) {
            eight(w, at + i * stride, stride, x, xAt + i, sums, sumsAt, n);
        }
        for (; i < count; i++) {
            one(w, at + i * stride, x[xAt + i], sums, sumsAt, n);
        }
    }

    private static void one(float[] w, int at, float x, float[] sums, int sumsAt, int n) {
        for (int j = 0; j < n; j++) {
            sums[sumsAt + j] += w[at + j] * x;
        }
    }

    // Eight rows in one pass, so that a sum is loaded and stored once in eight.
    private static void eight(
            float[] w, int at, int stride, float[] x, int xAt, float[] sums, int sumsAt, int n) {
        float x0 = x[xAt];
        float x1 = x[xAt + 1];
        float x2 = x[xAt + 2];
        float x3 = x[xAt + 3];
        float x4 = x[xAt + 4];
        float x5 = x[xAt + 5];
        float x6 = x[xAt + 6];
        float x7 = x[xAt + 7];
        int w1 = at + stride;
        int w2 = w1 + stride;
        int w3 = w2 + stride;
        int w4 = w3 + stride;
        int w5 = w4 + stride;
        int w6 = w5 + stride;
        int w7 = w6 + stride;
        for (int j = 0; j < n; j++) {
            float sum = sums[sumsAt + j];
            sum += w[at + j] * x0;
            sum += w[w1 + j] * x1;
            sum += w[w2 + j] * x2;
            sum += w[w3 + j] * x3;
            sum += w[w4 + j] * x4;
            sum += w[w5 + j] * x5;
            sum += w[w6 + j] * x6;
            sum += w[w7 + j] * x7;
            sums[sumsAt + j] = sum;
        }
    }
}

package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import java.util.function.IntFunction;

/** The operations once more, in double and as plainly as they can be written. */
final class Naive {
    private static final int BLOCK = 32;

    private Naive() {}

    static double[] matmul(double[] weight, int cols, double[] x, int rows) {
        int outs = weight.length / cols;
        double[] y = new double[rows * outs];
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < outs; o++) {
                for (int k = 0; k < cols; k++) {
                    y[r * outs + o] += weight[o * cols + k] * x[r * cols + k];
                }
            }
        }
        return y;
    }

    /**
     * What a provider that rounds rows multiplies with: blocks of 32, the largest magnitude to
     * {@code levels}.
     */
    static double[] rounded(float[] x, int levels) {
        double[] rounded = new double[x.length];
        for (int from = 0; from < x.length; from += BLOCK) {
            float largest = 0;
            for (int i = from; i < from + BLOCK; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float scale = largest / levels;
            float inverse = largest == 0 ? 0 : levels / largest;
            for (int i = from; i < from + BLOCK; i++) {
                rounded[i] = Math.rint(x[i] * inverse) * scale;
            }
        }
        return rounded;
    }

    static double[] widen(float[] x) {
        double[] wide = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            wide[i] = x[i];
        }
        return wide;
    }

    /**
     * One row and head of attention.
     *
     * @param keys key of a position
     * @param positions the positions seen: from, to
     * @param score of a product of query and key
     */
    static double[] attention(
            double[] q,
            IntFunction<double[]> keys,
            IntFunction<double[]> values,
            int[] positions,
            DoubleUnaryOperator score) {
        int from = positions[0];
        int to = positions[1];
        double[] scores = new double[to - from];
        double max = Double.NEGATIVE_INFINITY;
        for (int p = from; p < to; p++) {
            double[] key = keys.apply(p);
            for (int d = 0; d < q.length; d++) {
                scores[p - from] += q[d] * key[d];
            }
            scores[p - from] = score.applyAsDouble(scores[p - from]);
            max = Math.max(max, scores[p - from]);
        }
        double sum = 0;
        double[] out = new double[q.length];
        for (int p = from; p < to; p++) {
            double weight = Math.exp(scores[p - from] - max);
            sum += weight;
            double[] value = values.apply(p);
            for (int d = 0; d < q.length; d++) {
                out[d] += weight * value[d];
            }
        }
        for (int d = 0; d < q.length; d++) {
            out[d] /= sum;
        }
        return out;
    }

    /** Every element within {@code tolerance} of the largest magnitude of the expected row. */
    static void assertClose(
            double[] expected, float[] actual, int cols, double tolerance, String what) {
        assertEquals(expected.length, actual.length, what);
        for (int from = 0; from < expected.length; from += cols) {
            double largest = 1e-3;
            for (int i = from; i < from + cols; i++) {
                largest = Math.max(largest, Math.abs(expected[i]));
            }
            for (int i = from; i < from + cols; i++) {
                double error = Math.abs(expected[i] - actual[i]);
                assertTrue(
                        error <= tolerance * largest,
                        "%s: element %d of row %d is %s, wanted %s"
                                .formatted(what, i - from, from / cols, actual[i], expected[i]));
            }
        }
    }
}

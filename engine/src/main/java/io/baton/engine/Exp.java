package io.baton.engine;

/**
 * Exponentials of numbers of at most 0, many at a time, from IEEE additions and multiplications
 * alone, so that every machine and every compiler level gives the same bits: {@code Math.exp} may
 * differ by an ulp between platforms, {@code StrictMath.exp} is several times slower over a
 * vocabulary.
 *
 * <p>Reduction by ln 2 in two parts (Cody and Waite), then the Taylor series to degree 13 on [-ln 2
 * / 2, ln 2 / 2]; the relative error stays below 4e-16. The products and sums stand in a loop that
 * compilers turn into vector instructions, which changes no bit; the powers of two in one of their
 * own, because they keep it from that. One thread at a time.
 */
final class Exp {
    /** Numbers taken at a time: all arrays stay in the first cache. */
    static final int SIZE = 512;

    private static final double LOG2_E = 1.4426950408889634;
    private static final double LN2_HIGH = 6.93147180369123816490e-01;
    private static final double LN2_LOW = 1.90821492927058770002e-10;

    /** Below this, the result is taken as 0: it is under 1e-300. */
    private static final double SMALLEST = -690;

    /** Added and taken away again, it rounds to the nearest whole number, ties to even. */
    private static final double ROUND = 0x1.8p52;

    private static final long EXPONENT_BIAS = 1023L << 52;

    /** In: numbers of at most 0, or minus infinity. Out: their exponentials. */
    final double[] values = new double[SIZE];

    private final double[] sums = new double[SIZE];
    private final double[] powers = new double[SIZE];

    /** Puts in {@code count} logits from one on, each less another one. */
    void fill(float[] logits, int from, double less, int count) {
        for (int i = 0; i < count; i++) {
            values[i] = logits[from + i] - less;
        }
    }

    /** Divides the first {@code count} values. */
    void divide(double by, int count) {
        for (int i = 0; i < count; i++) {
            values[i] /= by;
        }
    }

    /** Replaces the first {@code count} values by their exponentials. */
    void run(int count) {
        reduce(values, powers, sums, count);
        for (int i = 0; i < count; i++) {
            double power = Double.longBitsToDouble(((long) powers[i] << 52) + EXPONENT_BIAS);
            values[i] = values[i] > SMALLEST ? sums[i] * power : 0;
        }
    }

    /** {@code e^x = 2^power * sum}. */
    private static void reduce(double[] values, double[] powers, double[] sums, int count) {
        for (int i = 0; i < count; i++) {
            double n = (values[i] * LOG2_E + ROUND) - ROUND;
            powers[i] = n;
            sums[i] = series((values[i] - n * LN2_HIGH) - n * LN2_LOW);
        }
    }

    private static double series(double r) {
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
        return p * r + 1.0;
    }
}

package io.baton.kv.codec.klt;

/**
 * Chooses a model's step by what it makes of the model's size: quality differs from model to model
 * at equal size, and is measured ({@code baton bench codec --quality}).
 */
public final class KltSteps {
    /**
     * Bits of a value at the default level, one seventh of 16 with room for what else a part has.
     */
    private static final double BITS = 2.2;

    private static final int PER_OCTAVE = 8;
    private static final int FROM = -30 * PER_OCTAVE;
    private static final int TO = 20 * PER_OCTAVE;

    private KltSteps() {}

    /**
     * The smallest step of level 0, of eight to an octave, with which {@link
     * KltProfile#DEFAULT_LEVEL} takes at most {@value #BITS} bits a value.
     */
    public static float of(KltTransform[] transforms) {
        double[] bits = new double[KltClasses.COUNT];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = KltTables.bits(i);
        }
        int low = FROM;
        int high = TO;
        while (low < high) {
            int middle = Math.floorDiv(low + high, 2);
            if (mean(transforms, bits, step(middle) * KltProfile.factor(KltProfile.DEFAULT_LEVEL))
                    <= BITS) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return (float) step(low);
    }

    private static double step(int index) {
        return StrictMath.pow(2, (double) index / PER_OCTAVE);
    }

    private static double mean(KltTransform[] transforms, double[] bits, double step) {
        double sum = 0;
        long values = 0;
        for (KltTransform transform : transforms) {
            for (double deviation : transform.deviations()) {
                int index = KltClasses.of(deviation / step);
                sum += index < 0 ? 0 : bits[index];
                values++;
            }
        }
        return sum / values;
    }
}

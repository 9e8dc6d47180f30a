package io.baton.kv.codec.klt;

/**
 * Classes of coefficients by their deviation in steps, four to an octave: all of a class share a
 * table. Below the least class a coefficient is not coded, being zero nearly always.
 */
final class KltClasses {
    /** Classes of keys, and as many of values. */
    static final int COUNT = 41;

    private static final int PER_OCTAVE = 4;
    private static final double LEAST = 0.125;
    private static final double LOG2 = StrictMath.log(2);

    private KltClasses() {}

    /** The class of a deviation in steps, -1 for none. */
    static int of(double deviation) {
        if (!(deviation >= LEAST)) {
            return -1;
        }
        double octaves = StrictMath.log(deviation / LEAST) / LOG2;
        return (int) Math.min(COUNT - 1, Math.rint(PER_OCTAVE * octaves));
    }

    /** The deviation in the middle of a class. */
    static double deviation(int index) {
        return LEAST * StrictMath.pow(2, (double) index / PER_OCTAVE);
    }
}

package io.baton.kernels.reference;

/** Rows as the C kernels round them to 8 bits, in plain Java. */
final class RoundedRows {
    private static final int BLOCK = 32;
    private static final float LEVELS = 127;

    /** So small a block is zero: its inverse would overflow. */
    private static final float SMALLEST = 1e-30f;

    private RoundedRows() {}

    /**
     * What takes the place of {@code x}: in each block of 32, multiples of the largest magnitude /
     * 127. Rows hold whole blocks.
     */
    static float[] of(float[] x) {
        float[] rounded = new float[x.length];
        for (int from = 0; from < x.length; from += BLOCK) {
            float largest = 0;
            for (int i = from; i < from + BLOCK; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            if (largest >= SMALLEST) {
                float scale = largest / LEVELS;
                float inverse = LEVELS / largest;
                for (int i = from; i < from + BLOCK; i++) {
                    rounded[i] = (float) Math.rint(x[i] * inverse) * scale;
                }
            }
        }
        return rounded;
    }
}

package io.baton.kernels.kv;

/** Steps of numbers, and their codes. */
final class StepCodes {
    /** 2^(i/8) as float32. */
    private static final float[] EIGHTHS = {
        0x1.0p0f,
        0x1.172b84p0f,
        0x1.306fep0f,
        0x1.4bfdaep0f,
        0x1.6a09e6p0f,
        0x1.8ace54p0f,
        0x1.ae89fap0f,
        0x1.d5818ep0f
    };

    private static final int OCTAVE = 8;
    private static final int ZERO = 128;

    private StepCodes() {}

    /** {@code 2^((code - 128) / 8)}. */
    static float step(int code) {
        return Math.scalb(EIGHTHS[code % OCTAVE], code / OCTAVE - ZERO / OCTAVE);
    }

    /** Eighths of an octave, rounded down, of the root of a number that is not negative. */
    static int eighths(float square) {
        int bits = Float.floatToRawIntBits(square);
        float mantissa = Float.intBitsToFloat(bits & 0x7fffff | 0x3f800000);
        int quarters = 4 * ((bits >>> 23) - 127);
        for (int i = 2; i < OCTAVE; i += 2) {
            quarters += mantissa >= EIGHTHS[i] ? 1 : 0;
        }
        return quarters;
    }

    /** A step as fine as the offset says, but not so fine that numbers do not reach the largest. */
    static int code(float square, float largest, int offset, int bits) {
        int fine = eighths(square) + ZERO + offset;
        int reaches = eighths(largest) + ZERO + 1 - (3 + bits) * OCTAVE;
        return Math.clamp(Math.max(fine, reaches), 0, 255);
    }

    /** Bits of a number's zero: in the middle of a symbol, but for anchors. */
    static int offset(int bits) {
        int middle = bits == 0 || bits == AnchorPlan.ANCHOR_BITS ? 0 : 1 << bits - 1;
        return (8 << bits) + middle - 128;
    }

    static float lowest(int bits) {
        return -128 - offset(bits);
    }

    static float highest(int bits) {
        return (16 << bits) - 1 - 128 - offset(bits);
    }

    /** The nearest number, ties to even, within bounds; 128 for zero. */
    static int number(float scaled, float low, float high) {
        float v = scaled < low ? low : scaled;
        v = (v > high ? high : v) + 0x1.8p23f;
        return Float.floatToRawIntBits(v) + 128 & 0xff;
    }
}

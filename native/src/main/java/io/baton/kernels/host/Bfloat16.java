package io.baton.kernels.host;

/** The upper half of a float32. */
public final class Bfloat16 {
    private Bfloat16() {}

    /** The value, exactly. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Rounded to nearest, ties to even; a NaN stays a NaN. */
    public static short ofFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }
}

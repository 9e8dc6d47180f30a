package io.baton.common.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;

/**
 * Encodes tensors in GGUF's block formats, for generated models. The plain formats are rounded to
 * nearest; the K formats are drawn at random with valid scales, which serves a random model as
 * well.
 *
 * <p>Block layouts are ggml's ({@code ggml-common.h}): Q4_0 {d, 16 bytes}, Q4_1 {d, m, 16 bytes},
 * Q5_0 {d, 4 bytes of high bits, 16 bytes}, Q5_1 {d, m, 4, 16}, Q8_0 {d, 32 bytes}; element i and
 * element i + 16 share a byte.
 */
public final class BlockQuantizer {
    private static final int BLOCK = 32;
    private static final int SUPER_BLOCK = 256;

    private BlockQuantizer() {}

    /** Whether {@link #encode} rounds to this type; the others are for {@link #random} only. */
    public static boolean canEncode(TensorType type) {
        return switch (type) {
            case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 -> true;
            case Q4_K, Q5_K, Q6_K -> false;
        };
    }

    /** Values as bytes of a type for which {@link #canEncode} holds. */
    public static byte[] encode(TensorType type, float[] values) {
        ByteBuffer out =
                ByteBuffer.allocate(Math.toIntExact(type.bytes(values.length)))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < values.length; at += type.blockElements()) {
            switch (type) {
                case F32 -> out.putFloat(values[at]);
                case F16 -> out.putShort(Float.floatToFloat16(values[at]));
                case BF16 -> out.putShort(bfloat16(values[at]));
                case Q8_0 -> q8(values, at, out);
                case Q4_0 -> symmetric(values, at, 4, out);
                case Q5_0 -> symmetric(values, at, 5, out);
                case Q4_1 -> affine(values, at, 4, out);
                case Q5_1 -> affine(values, at, 5, out);
                case Q4_K, Q5_K, Q6_K ->
                        throw new IllegalArgumentException(type + " can only be drawn at random");
            }
        }
        return out.array();
    }

    /**
     * Random values of mean 0 and about the given standard deviation.
     *
     * @param elements a multiple of the type's block
     */
    public static byte[] random(
            TensorType type, int elements, float deviation, RandomGenerator random) {
        if (canEncode(type)) {
            return encode(type, normal(elements, deviation, random));
        }
        ByteBuffer out =
                ByteBuffer.allocate(Math.toIntExact(type.bytes(elements)))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < elements; at += SUPER_BLOCK) {
            switch (type) {
                case Q4_K -> minBlock(deviation, 4, random, out);
                case Q5_K -> minBlock(deviation, 5, random, out);
                case Q6_K -> q6k(deviation, random, out);
                case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 ->
                        throw new IllegalStateException(type + " is rounded, not drawn");
            }
        }
        return out.array();
    }

    /** Normal values by Box and Muller's method in StrictMath: the same on every machine. */
    static float[] normal(int count, float deviation, RandomGenerator random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i += 2) {
            double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
            double angle = 2 * StrictMath.PI * random.nextDouble();
            values[i] = (float) (deviation * radius * StrictMath.cos(angle));
            if (i + 1 < count) {
                values[i + 1] = (float) (deviation * radius * StrictMath.sin(angle));
            }
        }
        return values;
    }

    private static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    private static void q8(float[] values, int at, ByteBuffer out) {
        float largest = 0;
        for (int i = 0; i < BLOCK; i++) {
            largest = Math.max(largest, Math.abs(values[at + i]));
        }
        short scale = Float.floatToFloat16(largest / 127);
        float inverse = inverse(scale);
        out.putShort(scale);
        for (int i = 0; i < BLOCK; i++) {
            out.put((byte) clamp(Math.round(values[at + i] * inverse), -127, 127));
        }
    }

    /** Q4_0 and Q5_0: {@code value = d * (q - 2^(bits-1))}. */
    private static void symmetric(float[] values, int at, int bits, ByteBuffer out) {
        int half = 1 << (bits - 1);
        float extreme = 0;
        for (int i = 0; i < BLOCK; i++) {
            if (Math.abs(values[at + i]) > Math.abs(extreme)) {
                extreme = values[at + i];
            }
        }
        short scale = Float.floatToFloat16(extreme / -half);
        float inverse = inverse(scale);
        int[] codes = new int[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            codes[i] = clamp(Math.round(values[at + i] * inverse) + half, 0, 2 * half - 1);
        }
        out.putShort(scale);
        putCodes(codes, bits, out);
    }

    /** Q4_1 and Q5_1: {@code value = d * q + m}. */
    private static void affine(float[] values, int at, int bits, ByteBuffer out) {
        int most = (1 << bits) - 1;
        float least = Float.POSITIVE_INFINITY;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < BLOCK; i++) {
            least = Math.min(least, values[at + i]);
            largest = Math.max(largest, values[at + i]);
        }
        short scale = Float.floatToFloat16((largest - least) / most);
        short minimum = Float.floatToFloat16(least);
        float inverse = inverse(scale);
        float base = Float.float16ToFloat(minimum);
        int[] codes = new int[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            codes[i] = clamp(Math.round((values[at + i] - base) * inverse), 0, most);
        }
        out.putShort(scale);
        out.putShort(minimum);
        putCodes(codes, bits, out);
    }

    private static void putCodes(int[] codes, int bits, ByteBuffer out) {
        if (bits == 5) {
            int high = 0;
            for (int i = 0; i < BLOCK; i++) {
                high |= (codes[i] >> 4) << i;
            }
            out.putInt(high);
        }
        for (int i = 0; i < BLOCK / 2; i++) {
            out.put((byte) (codes[i] & 15 | (codes[i + BLOCK / 2] & 15) << 4));
        }
    }

    /**
     * Q4_K and Q5_K: {@code value = d * scale * q - dmin * min}. With {@code min = scale} and
     * {@code dmin = d * mean(q)} uniform codes have mean 0.
     */
    private static void minBlock(
            float deviation, int bits, RandomGenerator random, ByteBuffer out) {
        int codes = 1 << bits;
        double spread = StrictMath.sqrt((codes * (double) codes - 1) / 12);
        float scale = (float) (deviation / (spread * 42));
        out.putShort(Float.floatToFloat16(scale));
        out.putShort(Float.floatToFloat16(scale * (codes - 1) / 2));
        int[] scales = new int[8];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = random.nextInt(21, 64);
        }
        out.put(packScales(scales, scales));
        byte[] bytes = new byte[SUPER_BLOCK * bits / 8];
        random.nextBytes(bytes);
        out.put(bytes);
    }

    /** Eight 6-bit scales and eight 6-bit minima in 12 bytes, as ggml packs them. */
    private static byte[] packScales(int[] scales, int[] minima) {
        byte[] packed = new byte[12];
        for (int i = 0; i < 4; i++) {
            packed[i] = (byte) (scales[i] | (scales[i + 4] >> 4) << 6);
            packed[i + 4] = (byte) (minima[i] | (minima[i + 4] >> 4) << 6);
            packed[i + 8] = (byte) (scales[i + 4] & 15 | (minima[i + 4] & 15) << 4);
        }
        return packed;
    }

    /** Q6_K: low bits, high bits, 16 signed scales, d; {@code value = d * scale * (q - 32)}. */
    private static void q6k(float deviation, RandomGenerator random, ByteBuffer out) {
        byte[] bytes = new byte[128 + 64];
        random.nextBytes(bytes);
        out.put(bytes);
        for (int i = 0; i < 16; i++) {
            int scale = random.nextInt(43, 128);
            out.put((byte) (random.nextBoolean() ? scale : -scale));
        }
        out.putShort(Float.floatToFloat16((float) (deviation / (18.47 * 85))));
    }

    private static float inverse(short float16) {
        float scale = Float.float16ToFloat(float16);
        return scale == 0 ? 0 : 1 / scale;
    }

    private static int clamp(int value, int least, int most) {
        return Math.min(most, Math.max(least, value));
    }
}

package io.baton.kernels.reference;

import io.baton.common.model.TensorType;
import io.baton.kernels.host.Bfloat16;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * GGUF's blocks to float32, value for value as ggml's {@code dequantize_row_*} computes them
 * (multiplication and subtraction in float32, in its order). Stateless.
 *
 * <pre>
 * Q4_0  f16 d | 16 bytes: nibbles of x[j] low, x[j+16] high          x = (q - 8) d
 * Q4_1  f16 d, f16 m | 16 bytes as above                             x = q d + m
 * Q5_0  f16 d | u32 fifth bits | 16 bytes as Q4_0                    x = (q - 16) d
 * Q5_1  f16 d, f16 m | u32 fifth bits | 16 bytes                     x = q d + m
 * Q8_0  f16 d | 32 signed bytes                                      x = q d
 * Q4_K  f16 d, f16 dmin | 12 bytes: 8 scales and mins of 6 bits | 128 bytes   x = d sc q - dmin m
 * Q5_K  f16 d, f16 dmin | 12 bytes | 32 bytes fifth bits | 128 bytes          x = d sc q - dmin m
 * Q6_K  128 bytes low nibbles | 64 bytes upper 2 bits | 16 signed scales | f16 d   x = d sc (q - 32)
 * </pre>
 */
public final class Dequantizer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Dequantizer() {}

    /**
     * Decodes consecutive blocks.
     *
     * @param data the tensor's bytes
     * @param offset byte offset of the first block
     * @param count elements, a multiple of the type's block
     * @param out receives them from {@code at} on
     */
    public static void decode(
            TensorType type, MemorySegment data, long offset, float[] out, int at, int count) {
        int step = type.blockElements();
        long block = offset;
        for (int i = at; i < at + count; i += step) {
            switch (type) {
                case F32 -> out[i] = data.get(FLOAT, block);
                case F16 -> out[i] = half(data, block);
                case BF16 -> out[i] = Bfloat16.toFloat(data.get(SHORT, block));
                case Q4_0 -> q40(data, block, out, i);
                case Q4_1 -> q41(data, block, out, i);
                case Q5_0 -> q50(data, block, out, i);
                case Q5_1 -> q51(data, block, out, i);
                case Q8_0 -> q80(data, block, out, i);
                case Q4_K -> q4k(data, block, out, i);
                case Q5_K -> q5k(data, block, out, i);
                case Q6_K -> q6k(data, block, out, i);
            }
            block += type.blockBytes();
        }
    }

    /** Row {@code row} of a matrix of {@code cols} columns. */
    public static void row(TensorType type, MemorySegment data, int row, int cols, float[] out) {
        decode(type, data, row * type.bytes(cols), out, 0, cols);
    }

    private static float half(MemorySegment data, long offset) {
        return Float.float16ToFloat(data.get(SHORT, offset));
    }

    private static int unsigned(MemorySegment data, long offset) {
        return data.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
    }

    private static void q40(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        for (int j = 0; j < 16; j++) {
            int q = unsigned(data, block + 2 + j);
            out[at + j] = ((q & 15) - 8) * d;
            out[at + j + 16] = ((q >> 4) - 8) * d;
        }
    }

    private static void q41(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        float m = half(data, block + 2);
        for (int j = 0; j < 16; j++) {
            int q = unsigned(data, block + 4 + j);
            out[at + j] = (q & 15) * d + m;
            out[at + j + 16] = (q >> 4) * d + m;
        }
    }

    private static void q50(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        int high = data.get(INT, block + 2);
        for (int j = 0; j < 16; j++) {
            int q = unsigned(data, block + 6 + j);
            out[at + j] = (((q & 15) | ((high >>> j) & 1) << 4) - 16) * d;
            out[at + j + 16] = (((q >> 4) | ((high >>> (j + 16)) & 1) << 4) - 16) * d;
        }
    }

    private static void q51(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        float m = half(data, block + 2);
        int high = data.get(INT, block + 4);
        for (int j = 0; j < 16; j++) {
            int q = unsigned(data, block + 8 + j);
            out[at + j] = ((q & 15) | ((high >>> j) & 1) << 4) * d + m;
            out[at + j + 16] = ((q >> 4) | ((high >>> (j + 16)) & 1) << 4) * d + m;
        }
    }

    private static void q80(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        for (int j = 0; j < 32; j++) {
            out[at + j] = data.get(ValueLayout.JAVA_BYTE, block + 2 + j) * d;
        }
    }

    /** Scale of sub-block {@code j} (6 bits) out of the 12 packed bytes. */
    private static int scaleK(MemorySegment data, long packed, int j) {
        if (j < 4) {
            return unsigned(data, packed + j) & 63;
        }
        return (unsigned(data, packed + j + 4) & 15) | (unsigned(data, packed + j - 4) >> 6) << 4;
    }

    /** Min of sub-block {@code j} (6 bits) out of the 12 packed bytes. */
    private static int minK(MemorySegment data, long packed, int j) {
        if (j < 4) {
            return unsigned(data, packed + j + 4) & 63;
        }
        return (unsigned(data, packed + j + 4) >> 4) | (unsigned(data, packed + j) >> 6) << 4;
    }

    private static void q4k(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        float dmin = half(data, block + 2);
        for (int sub = 0; sub < 8; sub++) {
            float scale = d * scaleK(data, block + 4, sub);
            float min = dmin * minK(data, block + 4, sub);
            long bytes = block + 16 + 32L * (sub / 2);
            int shift = 4 * (sub & 1);
            for (int j = 0; j < 32; j++) {
                int q = (unsigned(data, bytes + j) >> shift) & 15;
                out[at + 32 * sub + j] = scale * q - min;
            }
        }
    }

    private static void q5k(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block);
        float dmin = half(data, block + 2);
        for (int sub = 0; sub < 8; sub++) {
            float scale = d * scaleK(data, block + 4, sub);
            float min = dmin * minK(data, block + 4, sub);
            long bytes = block + 48 + 32L * (sub / 2);
            int shift = 4 * (sub & 1);
            for (int j = 0; j < 32; j++) {
                int low = (unsigned(data, bytes + j) >> shift) & 15;
                int fifth = (unsigned(data, block + 16 + j) >> sub) & 1;
                out[at + 32 * sub + j] = scale * (low | fifth << 4) - min;
            }
        }
    }

    private static void q6k(MemorySegment data, long block, float[] out, int at) {
        float d = half(data, block + 208);
        for (int i = 0; i < 256; i++) {
            // Halves of 128: quarter 0 and 1 are low nibbles, 2 and 3 high ones of the same bytes.
            int half = i / 128;
            int quarter = (i % 128) / 32;
            int lane = i % 32;
            int low = unsigned(data, block + 64 * half + 32 * (quarter & 1) + lane);
            int high = unsigned(data, block + 128 + 32 * half + lane);
            int q = ((low >> 4 * (quarter >> 1)) & 15) | ((high >> 2 * quarter) & 3) << 4;
            int scale = data.get(ValueLayout.JAVA_BYTE, block + 192 + i / 16);
            out[at + i] = d * scale * (q - 32);
        }
    }
}

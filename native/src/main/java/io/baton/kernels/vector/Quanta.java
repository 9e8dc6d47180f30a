package io.baton.kernels.vector;

import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One row of a quantised matrix, unpacked: an integer for each element, a scale and a minimum for
 * each group of elements. {@code x = quanta * scale + minimum}, in float32 and in this order, gives
 * exactly the values of {@link io.baton.kernels.reference.Dequantizer}, which states the layouts.
 */
final class Quanta {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final byte[] values;
    final float[] scales;
    final float[] minima;

    private final TensorType type;

    Quanta(TensorType type, int cols) {
        this.type = type;
        values = new byte[cols];
        scales = new float[cols / group(type)];
        minima = new float[hasMinima(type) ? scales.length : 0];
    }

    /** Whether the type's values are quanta; the others are floats. */
    static boolean isQuantised(TensorType type) {
        return type.blockElements() > 1;
    }

    /** Elements that share a scale. */
    static int group(TensorType type) {
        return type == TensorType.Q6_K ? 16 : 32;
    }

    static boolean hasMinima(TensorType type) {
        return switch (type) {
            case Q4_1, Q5_1, Q4_K, Q5_K -> true;
            case Q4_0, Q5_0, Q8_0, Q6_K, F32, F16, BF16 -> false;
        };
    }

    /** Unpacks row {@code row}. */
    void read(MemorySegment data, int row) {
        long block = row * type.bytes(values.length);
        for (int at = 0; at < values.length; at += type.blockElements()) {
            switch (type) {
                case Q4_0 -> {
                    scales[at / 32] = half(data, block);
                    nibbles(data, block + 2, at, 0, 8);
                }
                case Q4_1 -> {
                    scales[at / 32] = half(data, block);
                    minima[at / 32] = half(data, block + 2);
                    nibbles(data, block + 4, at, 0, 0);
                }
                case Q5_0 -> {
                    scales[at / 32] = half(data, block);
                    nibbles(data, block + 6, at, data.get(INT, block + 2), 16);
                }
                case Q5_1 -> {
                    scales[at / 32] = half(data, block);
                    minima[at / 32] = half(data, block + 2);
                    nibbles(data, block + 8, at, data.get(INT, block + 4), 0);
                }
                case Q8_0 -> {
                    scales[at / 32] = half(data, block);
                    MemorySegment.copy(data, ValueLayout.JAVA_BYTE, block + 2, values, at, 32);
                }
                case Q4_K -> k45(data, block, at, false);
                case Q5_K -> k45(data, block, at, true);
                case Q6_K -> k6(data, block, at);
                case F32, F16, BF16 -> throw new IllegalStateException(type + " has no quanta");
            }
            block += type.blockBytes();
        }
    }

    /** 32 values of a low nibble and, in {@code high}, a fifth bit; less {@code offset}. */
    private void nibbles(MemorySegment data, long bytes, int at, int high, int offset) {
        for (int j = 0; j < 16; j++) {
            int q = unsigned(data, bytes + j);
            values[at + j] = (byte) ((q & 15 | (high >>> j & 1) << 4) - offset);
            values[at + j + 16] = (byte) ((q >> 4 | (high >>> j + 16 & 1) << 4) - offset);
        }
    }

    private void k45(MemorySegment data, long block, int at, boolean fifth) {
        float d = half(data, block);
        float dmin = half(data, block + 2);
        long low = block + (fifth ? 48 : 16);
        for (int sub = 0; sub < 8; sub++) {
            int scale;
            int min;
            if (sub < 4) {
                scale = unsigned(data, block + 4 + sub) & 63;
                min = unsigned(data, block + 8 + sub) & 63;
            } else {
                int both = unsigned(data, block + 8 + sub);
                scale = both & 15 | unsigned(data, block + sub) >> 6 << 4;
                min = both >> 4 | unsigned(data, block + 4 + sub) >> 6 << 4;
            }
            scales[at / 32 + sub] = d * scale;
            minima[at / 32 + sub] = -(dmin * min);
            for (int j = 0; j < 32; j++) {
                int q = unsigned(data, low + 32L * (sub / 2) + j) >> 4 * (sub & 1) & 15;
                int bit = fifth ? unsigned(data, block + 16 + j) >> sub & 1 : 0;
                values[at + 32 * sub + j] = (byte) (q | bit << 4);
            }
        }
    }

    private void k6(MemorySegment data, long block, int at) {
        float d = half(data, block + 208);
        for (int i = 0; i < 256; i++) {
            int quarter = i % 128 / 32;
            int low = unsigned(data, block + i / 128 * 64 + 32 * (quarter & 1) + i % 32);
            int high = unsigned(data, block + 128 + i / 128 * 32 + i % 32);
            int q = low >> 4 * (quarter >> 1) & 15 | (high >> 2 * quarter & 3) << 4;
            values[at + i] = (byte) (q - 32);
        }
        for (int i = 0; i < 16; i++) {
            scales[at / 16 + i] = d * data.get(ValueLayout.JAVA_BYTE, block + 192 + i);
        }
    }

    private static float half(MemorySegment data, long offset) {
        return Float.float16ToFloat(data.get(SHORT, offset));
    }

    private static int unsigned(MemorySegment data, long offset) {
        return data.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
    }
}

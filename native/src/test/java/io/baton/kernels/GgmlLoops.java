package io.baton.kernels;

import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Dequantisation once more, block by block in the running-pointer form of the formats' definition
 * and in double, so that it shares no index arithmetic with the code under test.
 */
final class GgmlLoops {
    private final ByteBuffer in;
    private final double[] out;
    private int written;

    private GgmlLoops(ByteBuffer in, double[] out) {
        this.in = in;
        this.out = out;
    }

    static double[] decode(TensorType type, MemorySegment data, int elements) {
        ByteBuffer bytes =
                ByteBuffer.wrap(data.toArray(ValueLayout.JAVA_BYTE)).order(ByteOrder.LITTLE_ENDIAN);
        GgmlLoops loops = new GgmlLoops(bytes, new double[elements]);
        while (loops.written < elements) {
            loops.block(type);
        }
        return loops.out;
    }

    private void block(TensorType type) {
        switch (type) {
            case F32 -> put(in.getFloat());
            case F16 -> put(half());
            case BF16 -> put(Float.intBitsToFloat(in.getShort() << 16));
            case Q4_0 -> small(half(), 0, false, -8);
            case Q4_1 -> small(half(), half(), false, 0);
            case Q5_0 -> small(half(), 0, true, -16);
            case Q5_1 -> small(half(), half(), true, 0);
            case Q8_0 -> {
                double d = half();
                for (int i = 0; i < 32; i++) {
                    put(d * in.get());
                }
            }
            case Q4_K -> large(false);
            case Q5_K -> large(true);
            case Q6_K -> six();
        }
    }

    private void small(double d, double m, boolean five, int bias) {
        long high = five ? Integer.toUnsignedLong(in.getInt()) : 0;
        byte[] nibbles = bytes(16);
        for (int i = 0; i < 32; i++) {
            int q = i < 16 ? nibbles[i] & 0xf : (nibbles[i - 16] & 0xf0) / 16;
            q += 16 * (int) (high >> i & 1);
            put((q + bias) * d + m);
        }
    }

    private void large(boolean five) {
        double d = half();
        double dmin = half();
        byte[] packed = bytes(12);
        byte[] high = bytes(five ? 32 : 0);
        byte[] low = bytes(128);
        int[] scales = new int[8];
        int[] mins = new int[8];
        for (int j = 0; j < 4; j++) {
            scales[j] = packed[j] & 0x3f;
            mins[j] = packed[j + 4] & 0x3f;
            scales[j + 4] = (packed[j + 8] & 0x0f) + 16 * ((packed[j] & 0xc0) / 64);
            mins[j + 4] = (packed[j + 8] & 0xf0) / 16 + 16 * ((packed[j + 4] & 0xc0) / 64);
        }
        int mask = 1;
        int sub = 0;
        for (int from = 0; from < 128; from += 32) {
            for (int shift = 1; shift <= 16; shift *= 16) {
                for (int l = 0; l < 32; l++) {
                    int q = (low[from + l] & 0xff) / shift % 16;
                    if (five && (high[l] & mask) != 0) {
                        q += 16;
                    }
                    put(d * scales[sub] * q - dmin * mins[sub]);
                }
                mask <<= 1;
                sub++;
            }
        }
    }

    private void six() {
        byte[] low = bytes(128);
        byte[] high = bytes(64);
        byte[] scales = bytes(16);
        double d = half();
        double[] values = new double[256];
        for (int n = 0; n < 2; n++) {
            for (int l = 0; l < 32; l++) {
                int[] q = {
                    low[64 * n + l] & 0xf,
                    low[64 * n + 32 + l] & 0xf,
                    (low[64 * n + l] & 0xff) >> 4,
                    (low[64 * n + 32 + l] & 0xff) >> 4
                };
                for (int part = 0; part < 4; part++) {
                    int six = q[part] + ((high[32 * n + l] & 0xff) >> (2 * part)) % 4 * 16 - 32;
                    values[128 * n + 32 * part + l] = d * scales[8 * n + 2 * part + l / 16] * six;
                }
            }
        }
        for (double value : values) {
            put(value);
        }
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        in.get(bytes);
        return bytes;
    }

    private double half() {
        return Float.float16ToFloat(in.getShort());
    }

    private void put(double value) {
        out[written++] = value;
    }
}

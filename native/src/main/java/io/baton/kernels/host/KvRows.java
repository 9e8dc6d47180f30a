package io.baton.kernels.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.baton.common.kv.KvDtype;
import java.lang.foreign.MemorySegment;

/** One head's K or V of one token between float32 and the pool's format. */
public final class KvRows {
    private KvRows() {}

    /**
     * Rounds to nearest even. Bytes are the quotients by a 127th of the largest magnitude; a row
     * whose largest magnitude is below 1e-30 is zero.
     *
     * @param to {@code KvLayout.rowBytes} bytes
     */
    public static void store(float[] row, KvDtype dtype, MemorySegment to) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(row, 0, to, JAVA_FLOAT, 0, row.length);
            case BF16 -> {
                for (int i = 0; i < row.length; i++) {
                    to.set(JAVA_SHORT, 2L * i, Bfloat16.ofFloat(row[i]));
                }
            }
            case F16 -> {
                for (int i = 0; i < row.length; i++) {
                    to.set(JAVA_SHORT, 2L * i, Float.floatToFloat16(row[i]));
                }
            }
            case INT8 -> storeBytes(row, to);
        }
    }

    private static void storeBytes(float[] row, MemorySegment to) {
        float largest = 0;
        for (float value : row) {
            largest = Math.max(largest, Math.abs(value));
        }
        boolean zero = largest < 1e-30f;
        float inverse = zero ? 0 : 127 / largest;
        for (int i = 0; i < row.length; i++) {
            to.set(JAVA_BYTE, i, (byte) Math.rint(row[i] * inverse));
        }
        to.set(JAVA_FLOAT_UNALIGNED, row.length, zero ? 0 : largest / 127);
    }

    /** Widens {@code row.length} elements. */
    public static void load(MemorySegment from, KvDtype dtype, float[] row) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(from, JAVA_FLOAT, 0, row, 0, row.length);
            case BF16 -> {
                for (int i = 0; i < row.length; i++) {
                    row[i] = Bfloat16.toFloat(from.get(JAVA_SHORT, 2L * i));
                }
            }
            case F16 -> {
                for (int i = 0; i < row.length; i++) {
                    row[i] = Float.float16ToFloat(from.get(JAVA_SHORT, 2L * i));
                }
            }
            case INT8 -> {
                float scale = from.get(JAVA_FLOAT_UNALIGNED, row.length);
                for (int i = 0; i < row.length; i++) {
                    row[i] = scale * from.get(JAVA_BYTE, i);
                }
            }
        }
    }
}

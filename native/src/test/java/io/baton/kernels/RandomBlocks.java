package io.baton.kernels;

import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;

/** Weights in GGUF's formats with random quanta and sensible scales. */
final class RandomBlocks {
    private RandomBlocks() {}

    static MemorySegment of(TensorType type, long elements, RandomGenerator random) {
        byte[] bytes = new byte[Math.toIntExact(type.bytes(elements))];
        random.nextBytes(bytes);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < bytes.length; at += type.blockBytes()) {
            scales(type, buffer, at, random);
        }
        // 64-bit memory on purpose: a mapped file's segment is native, not a byte array.
        MemorySegment copy =
                java.lang.foreign.Arena.ofAuto().allocate(Math.max(1, bytes.length), 8);
        MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return copy.asSlice(0, bytes.length);
    }

    private static void scales(TensorType type, ByteBuffer b, int at, RandomGenerator random) {
        switch (type) {
            case F32 -> b.putFloat(at, random.nextFloat(-1, 1));
            case F16 -> half(b, at, random, 1);
            case BF16 -> {
                float value = random.nextFloat(-1, 1);
                b.putShort(at, (short) (Float.floatToRawIntBits(value) >>> 16));
            }
            case Q4_0, Q5_0 -> half(b, at, random, 0.02f);
            case Q8_0 -> half(b, at, random, 0.002f);
            case Q4_1, Q5_1 -> {
                half(b, at, random, 0.02f);
                half(b, at + 2, random, 0.2f);
            }
            case Q4_K, Q5_K -> {
                half(b, at, random, 0.001f);
                half(b, at + 2, random, 0.005f);
            }
            case Q6_K -> half(b, at + 208, random, 0.0003f);
        }
    }

    private static void half(ByteBuffer b, int at, RandomGenerator random, float bound) {
        b.putShort(at, Float.floatToFloat16(random.nextFloat(-bound, bound)));
    }
}

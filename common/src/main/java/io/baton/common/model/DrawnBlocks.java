package io.baton.common.model;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;

/**
 * Draws blocks of GGUF's formats without rounding anything: uniform quanta under scales that give
 * mean 0 and the wanted deviation. Fast enough for a billion weights, the same bytes on every
 * machine.
 */
final class DrawnBlocks {
    /** Elements that are drawn at a time; a multiple of every block. */
    private static final int PART = 1 << 16;

    private DrawnBlocks() {}

    /** Writes a tensor part by part. */
    static void write(
            TensorType type,
            long elements,
            float deviation,
            RandomGenerator random,
            OutputStream out)
            throws IOException {
        for (long done = 0; done < elements; done += PART) {
            int count = (int) Math.min(PART, elements - done);
            out.write(draw(type, count, deviation, random));
        }
    }

    private static byte[] draw(
            TensorType type, int elements, float deviation, RandomGenerator random) {
        byte[] all = new byte[Math.toIntExact(type.bytes(elements))];
        switch (type) {
            case Q4_K, Q5_K, Q6_K -> {
                return BlockQuantizer.random(type, elements, deviation, random);
            }
            case F32, F16, BF16 -> plain(type, all, deviation, random);
            case Q4_0 -> blocks(all, 18, 16, scales(deviation, 16, random), random);
            case Q5_0 -> blocks(all, 22, 32, scales(deviation, 32, random), random);
            case Q8_0 -> blocks(all, 34, 256, scales(deviation, 256, random), random);
            case Q4_1 -> offsetBlocks(all, 20, 16, deviation, random);
            case Q5_1 -> offsetBlocks(all, 24, 32, deviation, random);
        }
        return all;
    }

    private static void plain(
            TensorType type, byte[] all, float deviation, RandomGenerator random) {
        ByteBuffer out = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        float half = deviation * (float) Math.sqrt(3);
        while (out.hasRemaining()) {
            float value = (2 * random.nextFloat() - 1) * half;
            switch (type) {
                case F32 -> out.putFloat(value);
                case F16 -> out.putShort(Float.floatToFloat16(value));
                default -> out.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
    }

    /**
     * Sixteen scales of both signs: codes around zero have a mean of -1/2, which the signs cancel.
     */
    private static short[] scales(float deviation, int codes, RandomGenerator random) {
        float unit = deviation / (float) Math.sqrt((codes * (double) codes - 1) / 12);
        short[] scales = new short[16];
        for (int i = 0; i < scales.length; i++) {
            float size = unit * (0.7f + 0.6f * random.nextFloat());
            scales[i] = Float.floatToFloat16(i % 2 == 0 ? size : -size);
        }
        return scales;
    }

    private static void blocks(
            byte[] all, int blockBytes, int codes, short[] scales, RandomGenerator random) {
        random.nextBytes(all);
        ByteBuffer out = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < all.length; at += blockBytes) {
            // The scale's own random bytes choose it.
            out.putShort(at, scales[out.getShort(at) & 15]);
            if (codes == 256) {
                // ggml rounds to -127 at least.
                for (int i = at + 2; i < at + blockBytes; i++) {
                    all[i] = all[i] == Byte.MIN_VALUE ? 0 : all[i];
                }
            }
        }
    }

    private static void offsetBlocks(
            byte[] all, int blockBytes, int codes, float deviation, RandomGenerator random) {
        random.nextBytes(all);
        ByteBuffer out = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        float unit = deviation / (float) Math.sqrt((codes * (double) codes - 1) / 12);
        short scale = Float.floatToFloat16(unit);
        short least = Float.floatToFloat16(-unit * (codes - 1) / 2);
        for (int at = 0; at < all.length; at += blockBytes) {
            out.putShort(at, scale);
            out.putShort(at + 2, least);
        }
    }
}

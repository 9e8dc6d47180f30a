package io.baton.kv.codec;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** KV for tests. */
final class SomeKv {
    /** Correlation of neighbouring tokens. */
    private static final double ALIKE = 0.8;

    private SomeKv() {}

    /** Normal values, each channel with a size of its own; the last tokens are not written yet. */
    static byte[] normal(PartShape part, int emptyTokens, SplittableRandom random) {
        KvLayout layout = part.layout();
        byte[] raw = new byte[(int) part.rawBytes()];
        int rows = 2 * layout.kvHeads();
        double[] sizes =
                random.doubles((long) part.layerCount() * rows * layout.headDim(), -2, 2)
                        .map(StrictMath::exp)
                        .toArray();
        for (int i = 0; i < raw.length / 2; i++) {
            int row = i / layout.headDim();
            int block = row / layout.blockTokens() / rows;
            int token = block % part.blocks() * layout.blockTokens() + row % layout.blockTokens();
            int head = block / part.blocks() * rows + row / layout.blockTokens() % rows;
            double size = sizes[head * layout.headDim() + i % layout.headDim()];
            boolean empty = token >= part.blocks() * layout.blockTokens() - emptyTokens;
            set(part, raw, i, empty ? 0 : (float) (size * random.nextGaussian()));
        }
        return raw;
    }

    private static void set(PartShape part, byte[] raw, long at, float value) {
        short bits =
                part.layout().dtype() == KvDtype.F16
                        ? Float.floatToFloat16(value)
                        : (short) (Float.floatToRawIntBits(value) >> 16);
        MemorySegment.ofArray(raw).set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, bits);
    }

    /** Neighbouring tokens are alike, and each channel has a size and a mean of its own. */
    static byte[] alike(PartShape part, int emptyTokens, SplittableRandom random) {
        KvLayout layout = part.layout();
        byte[] raw = new byte[(int) part.rawBytes()];
        int tokens = part.blocks() * layout.blockTokens();
        int rows = 2 * layout.tokenElements();
        for (int channel = 0; channel < part.layerCount() * rows; channel++) {
            double size = StrictMath.exp(random.nextDouble(-2, 2));
            double last = random.nextGaussian();
            int layer = channel / rows;
            int head = channel % rows / layout.headDim();
            for (int token = 0; token < tokens; token++) {
                double fresh = Math.sqrt(1 - ALIKE * ALIKE) * random.nextGaussian();
                last = ALIKE * last + fresh;
                double mean = channel % 5;
                boolean empty = token >= tokens - emptyTokens;
                float value = empty ? 0 : (float) (size * (last + mean));
                int block = layer * part.blocks() + token / layout.blockTokens();
                long row =
                        (block * 2L * layout.kvHeads() + head) * layout.blockTokens()
                                + token % layout.blockTokens();
                long at = row * layout.headDim() + channel % layout.headDim();
                set(part, raw, at, value);
            }
        }
        return raw;
    }

    static float value(PartShape part, byte[] raw, int at) {
        short bits = MemorySegment.ofArray(raw).get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * at);
        return part.layout().dtype() == KvDtype.F16
                ? Float.float16ToFloat(bits)
                : Float.intBitsToFloat(bits << 16);
    }

    /** Mean square error by mean square. */
    static double error(PartShape part, byte[] raw, byte[] back) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < raw.length / 2; i++) {
            double x = value(part, raw, i);
            error += Math.pow(x - value(part, back, i), 2);
            power += x * x;
        }
        return error / power;
    }
}

package io.baton.bench.coder;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.host.Bfloat16;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One layer of KV as LMCache quantises it for CacheGen: one scale for each token, of K and of V,
 * the largest magnitude over all channels; with {@code B} bins and {@code C = B/2 - 1} a symbol is
 * {@code round(x * C / scale) + C}. K has 32 bins in the first ten layers, V in the first two, and
 * both 16 after them; models of fewer than ten layers 32 throughout.
 *
 * @param rows channels: K's, then V's
 * @param columns tokens
 * @param symbols row by row, below {@link #MOST_SYMBOLS}
 */
record Quantised(int rows, int columns, byte[] symbols) {
    /** More than any symbol. */
    static final int MOST_SYMBOLS = 32;

    private static final int MOST_BINS = 32;
    private static final int FEWER_BINS = 16;
    private static final int FINE_KEY_LAYERS = 10;
    private static final int FINE_VALUE_LAYERS = 2;
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Whether a part can be quantised: one layer of 16-bit elements. */
    static boolean takes(PartShape part) {
        KvDtype dtype = part.layout().dtype();
        return part.layerCount() == 1 && (dtype == KvDtype.BF16 || dtype == KvDtype.F16);
    }

    static Quantised of(PartShape part, MemorySegment raw) {
        KvLayout layout = part.layout();
        int channels = layout.kvHeads() * layout.headDim();
        int tokens = part.blocks() * layout.blockTokens();
        byte[] symbols = new byte[2 * channels * tokens];
        float[] token = new float[channels];
        for (int value = 0; value < 2; value++) {
            int half = bins(layout, part.firstLayer(), value) / 2 - 1;
            for (int t = 0; t < tokens; t++) {
                float largest = load(layout, raw, value, t, token);
                float factor = largest == 0 ? 0 : half / largest;
                for (int c = 0; c < channels; c++) {
                    int symbol = (int) Math.rint(token[c] * factor) + half;
                    symbols[(value * channels + c) * tokens + t] = (byte) symbol;
                }
            }
        }
        return new Quantised(2 * channels, tokens, symbols);
    }

    private static int bins(KvLayout layout, int layer, int value) {
        int fine = value == 0 ? FINE_KEY_LAYERS : FINE_VALUE_LAYERS;
        return layout.layers() < FINE_KEY_LAYERS || layer < fine ? MOST_BINS : FEWER_BINS;
    }

    /** One token's values of all channels; returns the largest magnitude. */
    private static float load(
            KvLayout layout, MemorySegment raw, int value, int token, float[] to) {
        int dim = layout.headDim();
        int block = token / layout.blockTokens();
        float largest = 0;
        for (int c = 0; c < to.length; c++) {
            int head = (2 * block + value) * layout.kvHeads() + c / dim;
            long row = (long) head * layout.blockTokens() + token % layout.blockTokens();
            short bits = raw.get(U16, 2 * (row * dim + c % dim));
            to[c] =
                    layout.dtype() == KvDtype.F16
                            ? Float.float16ToFloat(bits)
                            : Bfloat16.toFloat(bits);
            largest = Math.max(largest, Math.abs(to[c]));
        }
        return largest;
    }

    /** Bytes that every coder must send beside the symbols: a 16-bit scale for each token twice. */
    int scaleBytes() {
        return 2 * 2 * columns;
    }

    /** Bytes that the values took before. */
    long rawBytes() {
        return 2L * rows * columns;
    }
}

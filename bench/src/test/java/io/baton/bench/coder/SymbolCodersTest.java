package io.baton.bench.coder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.host.Bfloat16;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

class SymbolCodersTest {
    private static final int ROWS = 64;
    private static final int COLUMNS = 256;

    private static List<SymbolCoder> coders() {
        return List.of(
                new RansSymbols(),
                new ChannelArithmetic(),
                LibraryCoder.zstd(1),
                LibraryCoder.zstd(3),
                LibraryCoder.lz4());
    }

    /** Rows whose symbols spread more and more around 15. */
    private static Quantised some(ToDoubleFunction<Random> noise) {
        Random random = new Random(5);
        byte[] symbols = new byte[ROWS * COLUMNS];
        for (int i = 0; i < symbols.length; i++) {
            double spread = 4.0 * (i / COLUMNS) / ROWS;
            long symbol = 15 + Math.round(spread * noise.applyAsDouble(random));
            symbols[i] = (byte) Math.clamp(symbol, 0, 30);
        }
        return new Quantised(ROWS, COLUMNS, symbols);
    }

    private static int coded(SymbolCoder coder, Quantised symbols) {
        byte[] out = new byte[coder.mostBytes(symbols)];
        byte[] back = new byte[symbols.symbols().length];
        int bytes = coder.encode(symbols, out);
        coder.decode(out, bytes, symbols, back);
        assertArrayEquals(symbols.symbols(), back, coder.name());
        return bytes;
    }

    @Test
    void whatIsCodedComesBack() {
        for (SymbolCoder coder : coders()) {
            try (coder) {
                coded(coder, some(Random::nextGaussian));
                coded(coder, some(random -> 0));
                coded(coder, some(random -> random.nextInt(-100, 100)));
                coded(coder, new Quantised(ROWS, COLUMNS, new byte[ROWS * COLUMNS]));
            }
        }
    }

    @Test
    void entropyCodersComeNearEntropy() {
        Quantised symbols = some(Random::nextGaussian);
        double bits = 0;
        for (int row = 0; row < ROWS; row++) {
            int[] counts = new int[Quantised.MOST_SYMBOLS];
            for (int i = 0; i < COLUMNS; i++) {
                counts[symbols.symbols()[row * COLUMNS + i]]++;
            }
            for (int count : counts) {
                bits -= count == 0 ? 0 : count * Math.log((double) count / COLUMNS) / Math.log(2);
            }
        }
        try (RansSymbols rans = new RansSymbols()) {
            // Tables, the table of each row, states.
            assertEquals(bits / 8, coded(rans, symbols) - 16 * 64 - ROWS - 128, 0.05 * bits / 8);
        }
        try (ChannelArithmetic arithmetic = new ChannelArithmetic()) {
            // Lengths and tables; each stream ends with a byte or two.
            int streams = coded(arithmetic, symbols) - ROWS * (4 + 66);
            assertTrue(streams > bits / 8, "no coder is below entropy");
            assertEquals(bits / 8, streams, 0.02 * bits / 8 + 2 * ROWS);
        }
    }

    @Test
    void tokensAreQuantisedWithTheirLargestMagnitude() {
        PartShape part = new PartShape(new KvLayout(12, 1, 2, KvDtype.BF16, 16), 11, 1, 0, 1);
        MemorySegment raw = MemorySegment.ofArray(new byte[(int) part.rawBytes()]);
        // Token 3: K is (2, -1), V is (0, 0); 16 bins have 7 numbers on each side of zero.
        raw.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, 6, Bfloat16.ofFloat(2));
        raw.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, 7, Bfloat16.ofFloat(-1));
        Quantised quantised = Quantised.of(part, raw);
        assertEquals(4, quantised.rows());
        assertEquals(16, quantised.columns());
        assertEquals(14, quantised.symbols()[3]);
        assertEquals(7 - 4, quantised.symbols()[16 + 3], "half of 7 is rounded to even");
        assertEquals(7, quantised.symbols()[32 + 3]);
        assertEquals(7, quantised.symbols()[0]);
    }
}

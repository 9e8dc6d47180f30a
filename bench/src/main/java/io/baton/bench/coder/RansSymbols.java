package io.baton.bench.coder;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.entropy.RansCoders;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The entropy coder of Baton's codecs. Channels of like spread share a table, counted on the chunk
 * itself: {@value #CLASSES} tables of K and as many of V, of {@value Quantised#MOST_SYMBOLS} 16-bit
 * frequencies each. A part is tables, the table of each row (a byte), a stream.
 */
final class RansSymbols implements SymbolCoder {
    private static final int CLASSES = 8;
    private static final int TABLES = 2 * CLASSES;
    private static final int TABLE_BYTES = 2 * Quantised.MOST_SYMBOLS;

    private final RansCoder rans = RansCoders.fastest();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment frequencies;
    private final MemorySegment divisors;
    private final MemorySegment slots;
    private MemorySegment tableOf = MemorySegment.NULL;
    private MemorySegment symbols = MemorySegment.NULL;
    private MemorySegment stream = MemorySegment.NULL;

    RansSymbols() {
        frequencies = arena.allocate(TABLES * RansCoder.FREQUENCY_BYTES, 64);
        divisors = arena.allocate(TABLES * RansCoder.DIVISOR_BYTES, 64);
        slots = arena.allocate(TABLES * RansCoder.SLOT_BYTES, 64);
    }

    @Override
    public String name() {
        return "rANS";
    }

    @Override
    public int mostBytes(Quantised quantised) {
        return headBytes(quantised)
                + Math.toIntExact(RansCoder.maxStreamBytes(quantised.symbols().length));
    }

    private static int headBytes(Quantised shape) {
        return TABLES * TABLE_BYTES + shape.rows();
    }

    private RansCoder.Rows rows(Quantised shape) {
        long count = (long) shape.rows() * shape.columns();
        if (symbols.byteSize() != count) {
            tableOf = arena.allocate(2L * shape.rows(), 8);
            symbols = arena.allocate(count, 8);
            stream = arena.allocate(RansCoder.maxStreamBytes(count), 8);
        }
        return new RansCoder.Rows(shape.rows(), shape.columns(), TABLES, tableOf);
    }

    @Override
    public int encode(Quantised quantised, byte[] out) {
        RansCoder.Rows rows = rows(quantised);
        classify(quantised);
        count(quantised);
        if (!rans.divisors(TABLES, frequencies, divisors)) {
            throw new IllegalStateException("frequencies do not sum to their total");
        }
        MemorySegment.copy(quantised.symbols(), 0, symbols, JAVA_BYTE, 0, (int) rows.symbols());
        MemorySegment coded = rans.encode(rows, divisors, symbols, stream);
        MemorySegment to = MemorySegment.ofArray(out);
        for (int table = 0; table < TABLES; table++) {
            long from = table * RansCoder.FREQUENCY_BYTES;
            MemorySegment.copy(frequencies, from, to, (long) table * TABLE_BYTES, TABLE_BYTES);
        }
        for (int row = 0; row < quantised.rows(); row++) {
            out[TABLES * TABLE_BYTES + row] = (byte) tableOf.getAtIndex(JAVA_SHORT, row);
        }
        MemorySegment.copy(coded, 0, to, headBytes(quantised), coded.byteSize());
        return headBytes(quantised) + (int) coded.byteSize();
    }

    /** Gives each row the table of its class: rows of K, and of V, in the order of their spread. */
    private void classify(Quantised of) {
        int half = of.rows() / 2;
        long[] order = new long[half];
        for (int value = 0; value < 2; value++) {
            for (int row = 0; row < half; row++) {
                order[row] = spread(of, value * half + row) << 32 | value * half + row;
            }
            Arrays.sort(order);
            for (int i = 0; i < half; i++) {
                int table = value * CLASSES + i * CLASSES / half;
                tableOf.setAtIndex(JAVA_SHORT, (int) order[i], (short) table);
            }
        }
    }

    /** The sum of a row's distances from its mean. */
    private static long spread(Quantised of, int row) {
        int from = row * of.columns();
        int spread = 0;
        int mean = 0;
        for (int i = from; i < from + of.columns(); i++) {
            mean += of.symbols()[i];
        }
        mean /= of.columns();
        for (int i = from; i < from + of.columns(); i++) {
            spread += Math.abs(of.symbols()[i] - mean);
        }
        return spread;
    }

    private void count(Quantised of) {
        int[][] counts = new int[TABLES][Quantised.MOST_SYMBOLS];
        for (int row = 0; row < of.rows(); row++) {
            int[] to = counts[tableOf.getAtIndex(JAVA_SHORT, row)];
            for (int i = row * of.columns(); i < (row + 1) * of.columns(); i++) {
                to[of.symbols()[i]]++;
            }
        }
        frequencies.fill((byte) 0);
        for (int table = 0; table < TABLES; table++) {
            normalise(table, counts[table]);
        }
    }

    /**
     * In proportion, and at least 1 for what occurs; the most frequent one gets or gives the rest.
     */
    private void normalise(int table, int[] counts) {
        long sum = Math.max(1, Arrays.stream(counts).sum());
        int left = RansCoder.TOTAL;
        int most = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            most = counts[symbol] > counts[most] ? symbol : most;
            if (counts[symbol] > 0) {
                counts[symbol] = (int) Math.max(1, (long) counts[symbol] * RansCoder.TOTAL / sum);
                left -= counts[symbol];
            }
        }
        counts[most] += left;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            long at = (long) table * RansCoder.SYMBOLS + symbol;
            frequencies.setAtIndex(JAVA_SHORT, at, (short) counts[symbol]);
        }
    }

    @Override
    public void decode(byte[] in, int bytes, Quantised shape, byte[] to) {
        RansCoder.Rows rows = rows(shape);
        MemorySegment from = MemorySegment.ofArray(in);
        frequencies.fill((byte) 0);
        for (int table = 0; table < TABLES; table++) {
            long at = table * RansCoder.FREQUENCY_BYTES;
            MemorySegment.copy(from, (long) table * TABLE_BYTES, frequencies, at, TABLE_BYTES);
        }
        for (int row = 0; row < shape.rows(); row++) {
            tableOf.setAtIndex(JAVA_SHORT, row, in[TABLES * TABLE_BYTES + row]);
        }
        int streamBytes = bytes - headBytes(shape);
        MemorySegment.copy(in, headBytes(shape), stream, JAVA_BYTE, 0, streamBytes);
        if (!rans.slots(TABLES, frequencies, slots)
                || !rans.decode(rows, slots, stream.asSlice(0, streamBytes), symbols)) {
            throw new IllegalStateException("a stream of our own is refused");
        }
        MemorySegment.copy(symbols, JAVA_BYTE, 0, to, 0, to.length);
    }

    @Override
    public void close() {
        arena.close();
    }
}

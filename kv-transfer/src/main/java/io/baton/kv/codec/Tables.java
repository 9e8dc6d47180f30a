package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.kernels.entropy.RansCoder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Tables of frequencies that travel with a part, in memory of the caller's.
 *
 * @param count of tables
 * @param memory {@link #bytes} bytes
 */
record Tables(int count, MemorySegment memory) {
    private static final int SYMBOLS = RansCoder.SYMBOLS;
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Memory of so many tables: frequencies, and counts in 32 bits. */
    static long bytes(int tables) {
        return tables * (RansCoder.FREQUENCY_BYTES + 4L * SYMBOLS);
    }

    /** The most bytes of so many tables as {@link #write} writes them. */
    static long mostWrittenBytes(int tables) {
        return tables * (2 + RansCoder.FREQUENCY_BYTES);
    }

    /** For a {@link RansCoder}. */
    MemorySegment frequencies() {
        return memory.asSlice(0, count * RansCoder.FREQUENCY_BYTES);
    }

    private int frequency(int table, int symbol) {
        return Short.toUnsignedInt(memory.get(U16, at(table, symbol)));
    }

    private static long at(int table, int symbol) {
        return table * RansCoder.FREQUENCY_BYTES + 2L * symbol;
    }

    private MemorySegment counts(int table) {
        return memory.asSlice(
                count * RansCoder.FREQUENCY_BYTES + 4L * SYMBOLS * table, 4L * SYMBOLS);
    }

    /** Takes each table's frequencies from its rows' symbols. */
    void count(RansCoder.Rows rows, MemorySegment symbols) {
        memory.fill((byte) 0);
        for (int row = 0; row < rows.rows(); row++) {
            MemorySegment counts = counts(rows.tableOf().get(U16, 2L * row));
            long at = (long) row * rows.columns();
            for (int column = 0; column < rows.columns(); column++) {
                int symbol = symbols.get(JAVA_BYTE, at + column) & 0xff;
                int seen = counts.getAtIndex(ValueLayout.JAVA_INT, symbol);
                counts.setAtIndex(ValueLayout.JAVA_INT, symbol, seen + 1);
            }
        }
        for (int table = 0; table < count; table++) {
            normalise(table);
        }
    }

    /**
     * Counts to frequencies: in proportion, and at least 1 for each symbol that occurs; the most
     * frequent ones get or give what rounding leaves or lacks. A table without symbols has the
     * first alone.
     */
    private void normalise(int table) {
        MemorySegment counts = counts(table);
        long sum = 0;
        for (int symbol = 0; symbol < SYMBOLS; symbol++) {
            sum += counts.getAtIndex(ValueLayout.JAVA_INT, symbol);
        }
        int left = RansCoder.TOTAL;
        for (int symbol = 0; sum > 0 && symbol < SYMBOLS; symbol++) {
            long seen = counts.getAtIndex(ValueLayout.JAVA_INT, symbol);
            if (seen > 0) {
                int frequency = (int) Math.max(1, seen * RansCoder.TOTAL / sum);
                memory.set(U16, at(table, symbol), (short) frequency);
                left -= frequency;
            }
        }
        while (left != 0) {
            int largest = largest(table);
            int has = frequency(table, largest);
            // A symbol keeps half of what it has.
            int change = Math.max(left, -(has / 2));
            memory.set(U16, at(table, largest), (short) (has + change));
            left -= change;
        }
    }

    private int largest(int table) {
        int largest = 0;
        for (int symbol = 1; symbol < SYMBOLS; symbol++) {
            if (frequency(table, symbol) > frequency(table, largest)) {
                largest = symbol;
            }
        }
        return largest;
    }

    private int first(int table) {
        int first = 0;
        while (frequency(table, first) == 0) {
            first++;
        }
        return first;
    }

    private int last(int table) {
        int last = SYMBOLS - 1;
        while (frequency(table, last) == 0) {
            last--;
        }
        return last;
    }

    /** Bytes that {@link #write} writes. */
    long writtenBytes() {
        long bytes = 0;
        for (int table = 0; table < count; table++) {
            bytes += 2 + 2L * (last(table) - first(table) + 1);
        }
        return bytes;
    }

    /**
     * Each table as its first symbol, how many follow, and their frequencies; returns the bytes.
     */
    long write(MemorySegment out) {
        long at = 0;
        for (int table = 0; table < count; table++) {
            int first = first(table);
            int last = last(table);
            out.set(JAVA_BYTE, at++, (byte) first);
            out.set(JAVA_BYTE, at++, (byte) (last - first));
            for (int symbol = first; symbol <= last; symbol++) {
                out.set(U16, at, (short) frequency(table, symbol));
                at += 2;
            }
        }
        return at;
    }

    /** Reads what {@link #write} wrote, or anything; the bytes that were read, -1 if some lack. */
    long read(MemorySegment in) {
        memory.fill((byte) 0);
        long at = 0;
        for (int table = 0; table < count; table++) {
            if (in.byteSize() - at < 2) {
                return -1;
            }
            int first = in.get(JAVA_BYTE, at) & 0xff;
            int last = first + (in.get(JAVA_BYTE, at + 1) & 0xff);
            at += 2;
            if (last >= SYMBOLS || in.byteSize() - at < 2L * (last - first + 1)) {
                return -1;
            }
            for (int symbol = first; symbol <= last; symbol++) {
                memory.set(U16, at(table, symbol), in.get(U16, at));
                at += 2;
            }
        }
        return at;
    }
}

package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.KvKernels;
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
    void count(KvKernels kernels, RansCoder.Rows rows, MemorySegment symbols) {
        memory.fill((byte) 0);
        kernels.count(rows, symbols, memory.asSlice(count * RansCoder.FREQUENCY_BYTES));
        for (int table = 0; table < count; table++) {
            normalise(table);
        }
    }

    /** Takes a table's frequencies from counts, of which each is below 2^31. */
    void counted(int table, long[] seen) {
        for (int symbol = 0; symbol < SYMBOLS; symbol++) {
            memory.set(U16, at(table, symbol), (short) 0);
            counts(table).setAtIndex(ValueLayout.JAVA_INT, symbol, Math.toIntExact(seen[symbol]));
        }
        normalise(table);
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

    /** The first symbol that occurs; the last of all if none does. */
    int first(int table) {
        int first = 0;
        while (first < SYMBOLS - 1 && frequency(table, first) == 0) {
            first++;
        }
        return first;
    }

    /** The last symbol that occurs; 0 if none does. */
    int last(int table) {
        int last = SYMBOLS - 1;
        while (last > 0 && frequency(table, last) == 0) {
            last--;
        }
        return last;
    }

    /** Whether all symbols between the first and the last occur. */
    boolean isUnbroken(int table) {
        for (int symbol = first(table); symbol <= last(table); symbol++) {
            if (frequency(table, symbol) == 0) {
                return false;
            }
        }
        return first(table) <= last(table);
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

package io.baton.kernels.c;

import io.baton.kernels.entropy.RansCoder;
import java.lang.foreign.MemorySegment;

/**
 * rANS in C: with AVX2 eight lanes at a time, else one by one. The bytes are those of plain Java.
 * All memory must be native.
 */
public final class CRans implements RansCoder {
    private final Library library;
    private final int wide;

    private CRans(Library library, boolean wide) {
        this.library = library;
        this.wide = wide ? 1 : 0;
    }

    /**
     * The coder of the loaded library.
     *
     * @param cap the highest level to use
     * @throws NativeUnavailable if there is no library for this machine
     */
    public static CRans open(Level cap) throws NativeUnavailable {
        return new CRans(Library.get(), cap != Level.PORTABLE);
    }

    @Override
    public boolean divisors(int tables, MemorySegment frequencies, MemorySegment divisors) {
        room(frequencies, tables * FREQUENCY_BYTES);
        room(divisors, tables * DIVISOR_BYTES);
        return library.ransDivisors(tables, frequencies, divisors);
    }

    @Override
    public MemorySegment encode(
            Rows rows, MemorySegment divisors, MemorySegment symbols, MemorySegment out) {
        room(divisors, rows.tables() * DIVISOR_BYTES);
        room(symbols, rows.symbols());
        room(out, rows.maxStreamBytes());
        long bytes = library.ransEncode(rows, divisors, symbols, out, wide);
        if (bytes < 0) {
            throw new IllegalArgumentException(
                    "a symbol has no frequency in its row's table, or a row no table");
        }
        return out.asSlice(out.byteSize() - bytes);
    }

    @Override
    public boolean slots(int tables, MemorySegment frequencies, MemorySegment slots) {
        room(frequencies, tables * FREQUENCY_BYTES);
        room(slots, tables * SLOT_BYTES);
        return library.ransSlots(tables, frequencies, slots);
    }

    @Override
    public boolean decode(
            Rows rows, MemorySegment slots, MemorySegment stream, MemorySegment symbols) {
        room(slots, rows.tables() * SLOT_BYTES);
        room(symbols, rows.symbols());
        return library.ransDecode(rows, slots, stream, symbols, wide);
    }

    /** C checks no bounds of its own memory. */
    private static void room(MemorySegment memory, long bytes) {
        if (memory.byteSize() < bytes) {
            throw new IndexOutOfBoundsException(
                    "%d bytes of memory for %d".formatted(memory.byteSize(), bytes));
        }
    }
}

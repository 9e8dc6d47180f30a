package io.baton.kernels.entropy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * rANS in plain Java, as {@link RansCoder} writes it down. A division by f is stored as a product
 * with {@code ceil(2^(31 + s) / f)}, {@code 2^s >= f}, shifted back: exact for states below 2^31
 * (Granlund, Montgomery 1994). C divides that way; here it is only written.
 */
public final class ReferenceRans implements RansCoder {
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** States are at least this between symbols, and below 2^31. */
    private static final int LOW = 1 << 15;

    // A divisor: an inverse, then frequency in 13 bits, start in 12, and the inverse's shift.
    private static final int START_SHIFT = 13;
    private static final int SHIFT_SHIFT = 25;

    // A slot: the symbol in the low 8 bits, then 12 bits of what is added, then 12 of frequency -
    // 1.
    private static final int ADD_SHIFT = 8;
    private static final int FREQUENCY_SHIFT = 20;
    private static final int MASK = TOTAL - 1;
    private static final int FREQUENCY_MASK = (1 << START_SHIFT) - 1;

    @Override
    public boolean divisors(int tables, MemorySegment frequencies, MemorySegment divisors) {
        for (int table = 0; table < tables; table++) {
            int start = 0;
            for (int symbol = 0; symbol < SYMBOLS; symbol++) {
                int frequency = frequency(frequencies, table, symbol);
                if (start + frequency > TOTAL) {
                    return false;
                }
                int shift =
                        frequency == 0
                                ? 0
                                : Integer.SIZE - Integer.numberOfLeadingZeros(frequency - 1);
                long inverse = frequency == 0 ? 0 : Math.ceilDiv(1L << 31 + shift, frequency);
                long at = table * DIVISOR_BYTES + 8L * symbol;
                divisors.set(U32, at, (int) inverse);
                divisors.set(
                        U32,
                        at + 4,
                        frequency | start % TOTAL << START_SHIFT | shift << SHIFT_SHIFT);
                start += frequency;
            }
            if (start != TOTAL) {
                return false;
            }
        }
        return true;
    }

    @Override
    public MemorySegment encode(
            Rows rows, MemorySegment divisors, MemorySegment symbols, MemorySegment out) {
        int[] states = new int[LANES];
        Arrays.fill(states, LOW);
        long at = out.byteSize();
        for (int row = rows.rows() - 1; row >= 0; row--) {
            int table = table(rows, row);
            if (table >= rows.tables()) {
                throw new IllegalArgumentException("row %d has table %d".formatted(row, table));
            }
            for (int column = rows.columns() - 1; column >= 0; column--) {
                long index = (long) row * rows.columns() + column;
                int symbol = Byte.toUnsignedInt(symbols.get(JAVA_BYTE, index));
                int packed = divisors.get(U32, table * DIVISOR_BYTES + 8L * symbol + 4);
                int frequency = packed & FREQUENCY_MASK;
                int start = packed >>> START_SHIFT & MASK;
                if (frequency == 0) {
                    throw new IllegalArgumentException(
                            "symbol %d has no frequency in table %d".formatted(symbol, table));
                }
                int state = states[column % LANES];
                if (state >>> 31 - BITS >= frequency) {
                    at -= 2;
                    out.set(U16, at, (short) state);
                    state >>>= 16;
                }
                states[column % LANES] = (state / frequency << BITS) + state % frequency + start;
            }
        }
        for (int lane = LANES - 1; lane >= 0; lane--) {
            at -= 4;
            out.set(U32, at, states[lane]);
        }
        return out.asSlice(at);
    }

    private static int table(Rows rows, int row) {
        return Short.toUnsignedInt(rows.tableOf().get(U16, 2L * row));
    }

    private static int frequency(MemorySegment frequencies, int table, int symbol) {
        return Short.toUnsignedInt(frequencies.get(U16, table * FREQUENCY_BYTES + 2L * symbol));
    }

    @Override
    public boolean slots(int tables, MemorySegment frequencies, MemorySegment slots) {
        for (int table = 0; table < tables; table++) {
            int slot = 0;
            for (int symbol = 0; symbol < SYMBOLS; symbol++) {
                int frequency = frequency(frequencies, table, symbol);
                if (slot + frequency > TOTAL) {
                    return false;
                }
                for (int add = 0; add < frequency; add++) {
                    slots.set(
                            U32,
                            table * SLOT_BYTES + 4L * slot++,
                            frequency - 1 << FREQUENCY_SHIFT | add << ADD_SHIFT | symbol);
                }
            }
            if (slot != TOTAL) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean decode(
            Rows rows, MemorySegment slots, MemorySegment stream, MemorySegment symbols) {
        if (stream.byteSize() < STATE_BYTES) {
            return false;
        }
        int[] states = new int[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            states[lane] = stream.get(U32, 4L * lane);
        }
        long at = STATE_BYTES;
        for (int row = 0; row < rows.rows(); row++) {
            int table = table(rows, row);
            if (table >= rows.tables()) {
                return false;
            }
            for (int column = 0; column < rows.columns(); column++) {
                int state = states[column % LANES];
                int slot = slots.get(U32, table * SLOT_BYTES + 4L * (state & MASK));
                symbols.set(JAVA_BYTE, (long) row * rows.columns() + column, (byte) slot);
                state =
                        ((slot >>> FREQUENCY_SHIFT) + 1) * (state >>> BITS)
                                + (slot >>> ADD_SHIFT & MASK);
                if (Integer.compareUnsigned(state, LOW) < 0) {
                    if (at + 2 > stream.byteSize()) {
                        return false;
                    }
                    state = state << 16 | Short.toUnsignedInt(stream.get(U16, at));
                    at += 2;
                }
                states[column % LANES] = state;
            }
        }
        return at == stream.byteSize() && Arrays.stream(states).allMatch(state -> state == LOW);
    }
}

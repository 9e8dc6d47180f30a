package io.baton.kernels.entropy;

import java.lang.foreign.MemorySegment;

/**
 * Range variant of asymmetric numeral systems (Duda 2013) with {@value #LANES} interleaved states
 * (Giesen 2014), so that SIMD lanes or the threads of a GPU's warp work on one stream.
 *
 * <p>Symbols are bytes in {@link Rows}: each row has one table of frequencies that sum to {@value
 * #TOTAL}, and column {@code j} belongs to lane {@code j mod 32}. A stream is
 *
 * <pre>
 *   32 states, 32 bits each, as the decoder begins: lane 0 first
 *   16-bit words in the order in which the decoder wants them
 * </pre>
 *
 * all little-endian. The decoder goes through rows, in a row through groups of 32 columns: every
 * lane of a group takes its symbol from the low {@value #BITS} bits of its state {@code x}, and
 * {@code x := frequency * (x >> 12) + (x mod 4096) - start}; then the lanes whose state is under
 * 2^15, in order, take a word each: {@code x := x << 16 | word}. At the end every state is 2^15 and
 * every word is used, which a decoder checks.
 *
 * <p>Frequencies are 16-bit numbers, 256 to a table. Safe for any thread.
 */
public interface RansCoder {
    /** Interleaved states. */
    int LANES = 32;

    /** Bits of a probability. */
    int BITS = 12;

    /** The sum of a table's frequencies. */
    int TOTAL = 1 << BITS;

    /** Symbols of an alphabet. */
    int SYMBOLS = 256;

    /** Bytes of one table's frequencies. */
    long FREQUENCY_BYTES = 2L * SYMBOLS;

    /** Bytes of one table made ready for encoding. */
    long DIVISOR_BYTES = 8L * SYMBOLS;

    /** Bytes of one table made ready for decoding. */
    long SLOT_BYTES = 4L * TOTAL;

    /** Bytes of the states that a stream begins with. */
    long STATE_BYTES = 4L * LANES;

    /**
     * Shape of what is coded.
     *
     * @param rows rows of symbols
     * @param columns symbols of a row
     * @param tables tables there are, 1 to 65,535
     * @param tableOf of each row its table, 16 bits each
     */
    record Rows(int rows, int columns, int tables, MemorySegment tableOf) {
        public Rows {
            if (rows < 0 || columns < 0 || tables < 1 || tables > 0xffff) {
                throw new IllegalArgumentException(
                        "%d rows of %d symbols with %d tables".formatted(rows, columns, tables));
            }
            if (tableOf.byteSize() < 2L * rows) {
                throw new IllegalArgumentException("every row needs the number of its table");
            }
        }

        /** Symbols in all. */
        public long symbols() {
            return (long) rows * columns;
        }

        /** The most bytes of a stream. */
        public long maxStreamBytes() {
            return RansCoder.maxStreamBytes(symbols());
        }
    }

    /** The most bytes of a stream of so many symbols: none takes more than {@value #BITS} bits. */
    static long maxStreamBytes(long symbols) {
        return STATE_BYTES + 2L * LANES + Math.ceilDiv(symbols * BITS, 16L) * 2;
    }

    /**
     * Makes tables ready for encoding.
     *
     * @param frequencies of {@code tables} tables
     * @param divisors {@link #DIVISOR_BYTES} a table, at an address that 4 divides
     * @return whether every table sums to {@value #TOTAL}; else nothing may be encoded with them
     */
    boolean divisors(int tables, MemorySegment frequencies, MemorySegment divisors);

    /**
     * Encodes.
     *
     * @param divisors made by {@link #divisors}
     * @param symbols rows of bytes
     * @param out at least {@link Rows#maxStreamBytes} bytes
     * @return the stream, a slice at the end of {@code out}
     * @throws IllegalArgumentException if a symbol has frequency 0 in its table or a row's table is
     *     not there
     */
    MemorySegment encode(
            Rows rows, MemorySegment divisors, MemorySegment symbols, MemorySegment out);

    /**
     * Makes tables ready for decoding.
     *
     * @param frequencies of {@code tables} tables, from anywhere
     * @param slots {@link #SLOT_BYTES} a table, at an address that 4 divides
     * @return whether every table sums to {@value #TOTAL}; else nothing may be decoded with them
     */
    boolean slots(int tables, MemorySegment frequencies, MemorySegment slots);

    /**
     * Decodes bytes from anywhere: reads nothing outside of them and writes the rows' symbols only.
     *
     * @param slots made by {@link #slots}
     * @param symbols room for all rows
     * @return whether the stream was one of these rows; else what was written means nothing
     */
    boolean decode(Rows rows, MemorySegment slots, MemorySegment stream, MemorySegment symbols);
}

package io.baton.bench.coder;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The coder that CacheGen ships: each channel of a chunk has a stream and a table of its own,
 * counted on the chunk itself; a classic arithmetic coder with 32-bit bounds and 16-bit
 * probabilities that writes bit by bit, the most significant first. A table has 33 entries, 66
 * bytes, however few symbols occur: {@code (65535 - 32) * count below / count + index}, so that it
 * strictly rises. A part is lengths (4 bytes each), tables, streams.
 */
final class ChannelArithmetic implements SymbolCoder {
    private static final int SYMBOLS = Quantised.MOST_SYMBOLS;
    private static final int ENTRIES = SYMBOLS + 1;
    private static final int SLOPE = 0xffff - SYMBOLS;
    private static final long QUARTER = 1L << 30;
    private static final long HALF = 2 * QUARTER;
    private static final long FULL = 4 * QUARTER;
    private static final VarHandle U16 =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U32 =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int[] table = new int[ENTRIES];

    @Override
    public String name() {
        return "CacheGen's arithmetic coder";
    }

    private static int headBytes(Quantised shape) {
        return shape.rows() * (Integer.BYTES + 2 * ENTRIES);
    }

    @Override
    public int mostBytes(Quantised quantised) {
        // No symbol takes more than 16 bits; a stream ends with up to 5 bytes.
        return headBytes(quantised) + quantised.rows() * (2 * quantised.columns() + 5);
    }

    @Override
    public int encode(Quantised quantised, byte[] out) {
        int at = headBytes(quantised);
        for (int row = 0; row < quantised.rows(); row++) {
            count(quantised, row);
            for (int i = 0; i < ENTRIES; i++) {
                U16.set(out, tableAt(quantised, row) + 2 * i, (short) table[i]);
            }
            BitWriter to = new BitWriter(out, at);
            encodeRow(quantised, row, to);
            U32.set(out, Integer.BYTES * row, to.at - at);
            at = to.at;
        }
        return at;
    }

    private static int tableAt(Quantised shape, int row) {
        return shape.rows() * Integer.BYTES + 2 * ENTRIES * row;
    }

    private void count(Quantised of, int row) {
        Arrays.fill(table, 0);
        for (int i = row * of.columns(); i < (row + 1) * of.columns(); i++) {
            table[of.symbols()[i] + 1]++;
        }
        long below = 0;
        for (int i = 0; i < ENTRIES; i++) {
            below += table[i];
            table[i] = (int) (SLOPE * below / of.columns()) + i;
        }
    }

    private void encodeRow(Quantised of, int row, BitWriter to) {
        long low = 0;
        long high = FULL - 1;
        for (int i = row * of.columns(); i < (row + 1) * of.columns(); i++) {
            int symbol = of.symbols()[i];
            long span = high - low + 1;
            high = low + (span * table[symbol + 1] >>> 16) - 1;
            low += span * table[symbol] >>> 16;
            while (true) {
                if (high < HALF) {
                    to.put(0);
                } else if (low >= HALF) {
                    to.put(1);
                    low -= HALF;
                    high -= HALF;
                } else if (low >= QUARTER && high < HALF + QUARTER) {
                    to.pending++;
                    low -= QUARTER;
                    high -= QUARTER;
                } else {
                    break;
                }
                low <<= 1;
                high = high << 1 | 1;
            }
        }
        to.pending++;
        to.put(low < QUARTER ? 0 : 1);
        to.end();
    }

    @Override
    public void decode(byte[] in, int bytes, Quantised shape, byte[] symbols) {
        int at = headBytes(shape);
        for (int row = 0; row < shape.rows(); row++) {
            for (int i = 0; i < ENTRIES; i++) {
                table[i] = Short.toUnsignedInt((short) U16.get(in, tableAt(shape, row) + 2 * i));
            }
            int end = at + (int) U32.get(in, Integer.BYTES * row);
            decodeRow(new BitReader(in, at, end), symbols, row * shape.columns(), shape.columns());
            at = end;
        }
    }

    private void decodeRow(BitReader from, byte[] symbols, int first, int count) {
        long low = 0;
        long high = FULL - 1;
        long value = 0;
        for (int bit = 0; bit < 32; bit++) {
            value = value << 1 | from.next();
        }
        for (int i = first; i < first + count; i++) {
            long span = high - low + 1;
            int symbol = find(((value - low + 1 << 16) - 1) / span);
            symbols[i] = (byte) symbol;
            high = low + (span * table[symbol + 1] >>> 16) - 1;
            low += span * table[symbol] >>> 16;
            while (true) {
                long less;
                if (high < HALF) {
                    less = 0;
                } else if (low >= HALF) {
                    less = HALF;
                } else if (low >= QUARTER && high < HALF + QUARTER) {
                    less = QUARTER;
                } else {
                    break;
                }
                low = low - less << 1;
                high = high - less << 1 | 1;
                value = value - less << 1 | from.next();
            }
        }
    }

    /** The symbol in whose part the number lies, by halving. */
    private int find(long number) {
        int from = 0;
        int to = SYMBOLS;
        while (to - from > 1) {
            int middle = (from + to) / 2;
            if (table[middle] <= number) {
                from = middle;
            } else {
                to = middle;
            }
        }
        return from;
    }

    /** Bits, with those that wait for a carry. */
    private static final class BitWriter {
        private final byte[] out;
        private int at;
        private int bits = 1;
        private int pending;

        BitWriter(byte[] out, int at) {
            this.out = out;
            this.at = at;
        }

        /** A bit, and the waiting ones, which are its contrary. */
        void put(int bit) {
            one(bit);
            for (; pending > 0; pending--) {
                one(1 - bit);
            }
        }

        private void one(int bit) {
            bits = bits << 1 | bit;
            if (bits >= 0x100) {
                out[at++] = (byte) bits;
                bits = 1;
            }
        }

        void end() {
            while (bits != 1) {
                one(0);
            }
        }
    }

    /** Bits, and zeros after the end. */
    private static final class BitReader {
        private final byte[] in;
        private final int end;
        private int at;
        private int bit;

        BitReader(byte[] in, int at, int end) {
            this.in = in;
            this.at = at;
            this.end = end;
        }

        int next() {
            if (at == end) {
                return 0;
            }
            int next = in[at] >> (7 - bit) & 1;
            bit = (bit + 1) % 8;
            at += bit == 0 ? 1 : 0;
            return next;
        }
    }
}

package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.KvKernels;
import io.baton.kernels.kv.LayerShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * 16-bit KV in two thirds of its bytes, and back bit for bit. The exponents of a channel (one
 * dimension of one head's keys or values) lie close together, and channels of like size are alike:
 * exponents are entropy coded with a table for each class of channels, taken from the part itself.
 * Sign and mantissa are noise and stay as they are.
 *
 * <pre>
 *   u8 1 | 16 tables | tables of rows, 4 bits each, the first in the low half | rANS stream | low bytes
 *   table = u8 first symbol | u8 symbols - 1 | u16 frequency of each
 *   u8 0 | the raw bytes: other element formats, and parts that would grow
 * </pre>
 *
 * A value {@code seeeeeee emmmmmmm} (bf16) is the symbol {@code eeeeeeee} and the low byte {@code
 * smmmmmmm}; of f16, {@code seeeeemm mmmmmmmm}, the symbol is {@code eeeeemmm}. Rows are channels:
 * layer, K or V, head, dimension; columns are tokens. Low bytes lie as the raw values do. All
 * little-endian.
 */
public final class LosslessCodec implements KvCodec {
    /** Wire id. */
    public static final int ID = 2;

    private static final int RAW = 0;
    private static final int CODED = 1;

    /** Classes of K's channels by size, and as many of V's. */
    private static final int CLASSES = 8;

    static final int TABLES = 2 * CLASSES;
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RansCoder rans;
    private final KvKernels kernels;

    public LosslessCodec(RansCoder rans, KvKernels kernels) {
        this.rans = rans;
        this.kernels = kernels;
    }

    @Override
    public int id() {
        return ID;
    }

    @Override
    public String name() {
        return "lossless";
    }

    @Override
    public boolean lossless() {
        return true;
    }

    @Override
    public int maxLevel() {
        return 0;
    }

    @Override
    public boolean knowsProfile(long profile) {
        return profile == 0;
    }

    @Override
    public long maxEncodedBytes(PartShape part) {
        return part.rawBytes() + 1;
    }

    @Override
    public long scratchBytes(PartShape part) {
        return isCoded(part) ? new Space(new Channels(part)).bytes() : part.rawBytes() + 1;
    }

    private static boolean isCoded(PartShape part) {
        KvDtype dtype = part.layout().dtype();
        return dtype == KvDtype.BF16 || dtype == KvDtype.F16;
    }

    /**
     * Where things lie in scratch memory, each at an address that 8 divides. The stream is written
     * backwards from {@link #lowAt}, and the header before it.
     */
    private record Space(Channels channels) {
        private static final long TABLES_AT = 0;
        private static final long READY_AT = Tables.bytes(TABLES);
        private static final long TABLE_OF_AT = READY_AT + TABLES * RansCoder.SLOT_BYTES;

        private long sumsAt() {
            return TABLE_OF_AT + aligned(2L * channels.rows());
        }

        private long workAt() {
            return sumsAt() + aligned(4L * channels.rows());
        }

        private long symbolsAt() {
            return workAt() + aligned(KvKernels.workBytes(channels.layer()));
        }

        /** From here on lies what is encoded or decoded. */
        private long outAt() {
            return symbolsAt() + aligned(channels.values());
        }

        private long lowAt() {
            long header = 1 + Tables.mostWrittenBytes(TABLES) + channels.rows() / 2;
            return outAt() + aligned(header + RansCoder.maxStreamBytes(channels.values()));
        }

        long bytes() {
            return Math.max(lowAt() + channels.values(), outAt() + 2L * channels.values() + 1);
        }

        Tables tables(MemorySegment scratch) {
            return new Tables(TABLES, scratch.asSlice(TABLES_AT, Tables.bytes(TABLES)));
        }

        MemorySegment ready(MemorySegment scratch) {
            return scratch.asSlice(READY_AT, TABLES * RansCoder.SLOT_BYTES);
        }

        RansCoder.Rows rows(MemorySegment scratch) {
            return new RansCoder.Rows(
                    channels.rows(),
                    channels.columns(),
                    TABLES,
                    scratch.asSlice(TABLE_OF_AT, 2L * channels.rows()));
        }

        MemorySegment sums(MemorySegment scratch) {
            return scratch.asSlice(sumsAt(), 4L * channels.rows());
        }

        MemorySegment work(MemorySegment scratch) {
            return scratch.asSlice(workAt(), KvKernels.workBytes(channels.layer()));
        }

        MemorySegment symbols(MemorySegment scratch) {
            return scratch.asSlice(symbolsAt(), channels.values());
        }

        /** Header and stream, to the end of it. */
        MemorySegment streamOut(MemorySegment scratch) {
            return scratch.asSlice(outAt(), lowAt() - outAt());
        }

        MemorySegment lowOut(MemorySegment scratch) {
            return scratch.asSlice(lowAt(), channels.values());
        }

        MemorySegment out(MemorySegment scratch, long bytes) {
            return scratch.asSlice(outAt(), bytes);
        }

        private static long aligned(long bytes) {
            return (bytes + 7) / 8 * 8;
        }
    }

    @Override
    public MemorySegment encode(
            PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
        if (!isCoded(part)) {
            return copied(raw, scratch);
        }
        Channels channels = new Channels(part);
        Space space = new Space(channels);
        MemorySegment symbols = space.symbols(scratch);
        MemorySegment low = space.lowOut(scratch);
        MemorySegment work = space.work(scratch);
        LayerShape layer = channels.layer();
        for (int i = 0; i < part.layerCount(); i++) {
            long at = (long) i * layer.values();
            kernels.split(layer, raw.asSlice(2 * at), symbols.asSlice(at), low.asSlice(at), work);
        }
        RansCoder.Rows rows = space.rows(scratch);
        MemorySegment sums = space.sums(scratch);
        kernels.sums(rows.rows(), rows.columns(), symbols, sums);
        classify(channels, sums, rows.tableOf());
        Tables tables = space.tables(scratch);
        tables.count(kernels, rows, symbols);
        if (!rans.divisors(TABLES, tables.frequencies(), space.ready(scratch))) {
            throw new IllegalStateException("frequencies are normalised");
        }
        MemorySegment room = space.streamOut(scratch);
        long stream = rans.encode(rows, space.ready(scratch), symbols, room).byteSize();
        long header = 1 + tables.writtenBytes() + rows.rows() / 2;
        long bytes = header + stream + low.byteSize();
        if (bytes >= raw.byteSize()) {
            return copied(raw, space.out(scratch, raw.byteSize() + 1));
        }
        long start = room.byteSize() - stream - header;
        writeHeader(room.asSlice(start, header), tables, rows);
        return space.out(scratch, room.byteSize() + low.byteSize()).asSlice(start);
    }

    private static MemorySegment copied(MemorySegment raw, MemorySegment out) {
        out.set(JAVA_BYTE, 0, (byte) RAW);
        MemorySegment.copy(raw, 0, out, 1, raw.byteSize());
        return out.asSlice(0, raw.byteSize() + 1);
    }

    /**
     * A channel's class is how many powers of two its size lies below the largest, K and V apart.
     */
    private static void classify(Channels channels, MemorySegment sums, MemorySegment tableOf) {
        int largestKey = 0;
        int largestValue = 0;
        for (int row = 0; row < channels.rows(); row++) {
            int size = size(channels, sums.getAtIndex(ValueLayout.JAVA_INT, row));
            tableOf.set(U16, 2L * row, (short) size);
            if (channels.isKey(row)) {
                largestKey = Math.max(largestKey, size);
            } else {
                largestValue = Math.max(largestValue, size);
            }
        }
        for (int row = 0; row < channels.rows(); row++) {
            boolean key = channels.isKey(row);
            int below = (key ? largestKey : largestValue) - tableOf.get(U16, 2L * row);
            int table = Math.min(below, CLASSES - 1) + (key ? 0 : CLASSES);
            tableOf.set(U16, 2L * row, (short) table);
        }
    }

    /** The mean exponent of a row, rounded; a symbol of f16 ends in three bits of mantissa. */
    private static int size(Channels channels, int sum) {
        int unit = channels.part().layout().dtype() == KvDtype.F16 ? 8 : 1;
        return (2 * sum + channels.columns() * unit) / (2 * channels.columns() * unit);
    }

    private static void writeHeader(MemorySegment out, Tables tables, RansCoder.Rows rows) {
        out.set(JAVA_BYTE, 0, (byte) CODED);
        long at = 1 + tables.write(out.asSlice(1));
        for (int row = 0; row < rows.rows(); row += 2) {
            int two =
                    rows.tableOf().get(U16, 2L * row) | rows.tableOf().get(U16, 2L * row + 2) << 4;
            out.set(JAVA_BYTE, at++, (byte) two);
        }
    }

    @Override
    public MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
        if (encoded.byteSize() == part.rawBytes() + 1 && encoded.get(JAVA_BYTE, 0) == RAW) {
            return encoded.asSlice(1);
        }
        if (!isCoded(part) || encoded.byteSize() < 1 || encoded.get(JAVA_BYTE, 0) != CODED) {
            throw invalid(part, "it begins with neither 0 nor 1, or has another length");
        }
        Channels channels = new Channels(part);
        Space space = new Space(channels);
        Tables tables = space.tables(scratch);
        long tableBytes = tables.read(encoded.asSlice(1));
        if (tableBytes < 0) {
            throw invalid(part, "its tables are cut off");
        }
        RansCoder.Rows rows = space.rows(scratch);
        long streamAt = 1 + tableBytes + rows.rows() / 2;
        long lowAt = encoded.byteSize() - channels.values();
        if (lowAt < streamAt) {
            throw invalid(part, "it is too short");
        }
        for (int row = 0; row < rows.rows(); row++) {
            int two = encoded.get(JAVA_BYTE, 1 + tableBytes + row / 2);
            rows.tableOf().set(U16, 2L * row, (short) (row % 2 == 0 ? two & 15 : two >> 4 & 15));
        }
        MemorySegment symbols = space.symbols(scratch);
        MemorySegment stream = encoded.asSlice(streamAt, lowAt - streamAt);
        if (!rans.slots(TABLES, tables.frequencies(), space.ready(scratch))
                || !rans.decode(rows, space.ready(scratch), stream, symbols)) {
            throw invalid(part, "its tables or its stream are damaged");
        }
        MemorySegment low = encoded.asSlice(lowAt);
        MemorySegment raw = space.out(scratch, part.rawBytes());
        LayerShape layer = channels.layer();
        for (int i = 0; i < part.layerCount(); i++) {
            long at = (long) i * layer.values();
            kernels.merge(
                    layer,
                    symbols.asSlice(at),
                    low.asSlice(at),
                    raw.asSlice(2 * at),
                    space.work(scratch));
        }
        return raw;
    }

    private static BatonException invalid(PartShape part, String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "a lossless part of %d layers x %d blocks is invalid: %s"
                        .formatted(part.layerCount(), part.blocks(), why));
    }
}

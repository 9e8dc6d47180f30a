package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.kv.KvLayout;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.AnchorPlan.Limits;
import io.baton.kernels.kv.KvKernels;
import io.baton.kernels.kv.LayerShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The layers of one part: which tokens are exact, coded or not there, and where things lie in
 * scratch memory, each at an address that 8 divides.
 *
 * @param part of 16-bit elements
 * @param layer shape of each layer
 * @param tokens tokens up to the last that is not all zero
 */
record CacheGenPart(PartShape part, LayerShape layer, int tokens) {
    /** Positions that every query looks at: their KV is sent as it is. */
    private static final int SINKS = 4;

    static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long TABLE_BYTES = aligned(Tables.bytes(AnchorPlan.RUNS));
    private static final long READY_BYTES = AnchorPlan.RUNS * RansCoder.SLOT_BYTES;

    /** A part all of whose tokens are there. */
    static CacheGenPart whole(PartShape part) {
        LayerShape layer = new Channels(part).layer();
        return new CacheGenPart(part, layer, layer.tokens());
    }

    /** The tokens of a part that are there. */
    static CacheGenPart of(PartShape part, MemorySegment raw) {
        CacheGenPart whole = whole(part);
        int tokens = whole.tokens();
        while (tokens > 0 && whole.isZero(raw, tokens - 1)) {
            tokens--;
        }
        return new CacheGenPart(part, whole.layer(), tokens);
    }

    private boolean isZero(MemorySegment raw, int token) {
        long row = layer.dim() * 2L;
        for (int of = 0; of < part.layerCount(); of++) {
            for (int head = 0; head < 2 * layer.heads(); head++) {
                MemorySegment values = raw.asSlice(rowAt(of, head, token), row);
                for (long at = 0; at < row; at += 2) {
                    if (values.get(U16, at) != 0) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** Bytes of a layer's raw values. */
    long layerBytes() {
        return 2L * layer.values();
    }

    /** Where the raw values of a layer, of K's and then V's heads, and of a token begin. */
    private long rowAt(int of, int head, int token) {
        KvLayout layout = part.layout();
        long block = token / layout.blockTokens();
        long row = (block * 2 * layer.heads() + head) * layout.blockTokens();
        return of * layerBytes() + 2L * layer.dim() * (row + token % layout.blockTokens());
    }

    /** Tokens that are sent as they are. */
    int exact() {
        return Math.clamp((long) SINKS - part.firstToken(), 0, tokens);
    }

    /** Tokens that are coded. */
    int coded() {
        return tokens - exact();
    }

    /** Bytes of exact tokens of one layer. */
    long exactBytes() {
        return 4L * exact() * layer.channels();
    }

    /** Copies the exact rows of a layer out of the raw values, or into them. */
    void exact(int of, MemorySegment raw, MemorySegment rows, boolean out) {
        long bytes = 2L * layer.dim();
        long at = 0;
        for (int token = 0; token < exact(); token++) {
            for (int head = 0; head < 2 * layer.heads(); head++) {
                long from = rowAt(of, head, token);
                MemorySegment source = out ? raw.asSlice(from, bytes) : rows.asSlice(at, bytes);
                MemorySegment target = out ? rows.asSlice(at, bytes) : raw.asSlice(from, bytes);
                target.copyFrom(source);
                at += bytes;
            }
        }
    }

    /** Writes zeros for the tokens that are not there. */
    void clear(MemorySegment raw) {
        for (int token = tokens; token < layer.tokens(); token++) {
            for (int of = 0; of < part.layerCount(); of++) {
                for (int head = 0; head < 2 * layer.heads(); head++) {
                    raw.asSlice(rowAt(of, head, token), 2L * layer.dim()).fill((byte) 0);
                }
            }
        }
    }

    /** How a layer is coded; there must be a coded token. */
    AnchorPlan plan(int level, int of, Limits limits) {
        AnchorPlan.Steps steps =
                CacheGenLevel.of(level, part.firstLayer() + of, part.layout().layers());
        return new AnchorPlan(layer, exact(), coded(), steps, limits);
    }

    /** The plan that needs most memory. */
    private AnchorPlan largest() {
        AnchorPlan.Steps steps = new AnchorPlan.Steps(0, 0, 0, 0, new AnchorPlan.Bits(3, 3));
        return new AnchorPlan(layer, 0, layer.tokens(), steps, Limits.NONE);
    }

    /** The most symbols of a layer: runs are padded, whatever the number of anchors. */
    private long mostSymbols() {
        return layer.values() / 2 + layer.heads() * layer.tokens() + 8L * AnchorPlan.UNIT;
    }

    private long mostWorkBytes() {
        return aligned(largest().workBytes() + 16L * AnchorPlan.UNIT);
    }

    private long mostLayerBytes() {
        return 4
                + 4L * SINKS * layer.channels()
                + largest().sideBytes()
                + layer.values()
                + 64L * AnchorPlan.RUNS
                + Tables.mostWrittenBytes(AnchorPlan.RUNS)
                + RansCoder.maxStreamBytes(mostSymbols());
    }

    /** Bytes of scratch memory. */
    long scratchBytes() {
        return outAt() + Math.max(part.rawBytes() + 1, 4 + part.layerCount() * mostLayerBytes());
    }

    private long workAt() {
        return TABLE_BYTES + READY_BYTES + aligned(2 * Math.ceilDiv(mostSymbols(), 32L));
    }

    private long symbolsAt() {
        return workAt() + mostWorkBytes();
    }

    private long streamAt() {
        return symbolsAt() + aligned(mostSymbols());
    }

    private long outAt() {
        return streamAt() + aligned(RansCoder.maxStreamBytes(mostSymbols()));
    }

    /** Tables of frequencies. */
    Tables tables(MemorySegment scratch) {
        return new Tables(AnchorPlan.RUNS, scratch.asSlice(0, TABLE_BYTES));
    }

    /** Tables made ready for a coder. */
    MemorySegment ready(MemorySegment scratch) {
        return scratch.asSlice(TABLE_BYTES, READY_BYTES);
    }

    /** The runs of a plan as rows of one table each. */
    RansCoder.Rows rows(AnchorPlan plan, MemorySegment scratch) {
        MemorySegment tableOf = scratch.asSlice(TABLE_BYTES + READY_BYTES);
        int rows = 0;
        for (int run = 0; run < AnchorPlan.RUNS; run++) {
            int end = rows + plan.symbols(run) / AnchorPlan.UNIT;
            for (; rows < end; rows++) {
                tableOf.set(U16, 2L * rows, (short) run);
            }
        }
        return new RansCoder.Rows(rows, AnchorPlan.UNIT, AnchorPlan.RUNS, tableOf);
    }

    MemorySegment work(MemorySegment scratch) {
        return scratch.asSlice(workAt(), mostWorkBytes());
    }

    MemorySegment symbols(MemorySegment scratch) {
        return scratch.asSlice(symbolsAt(), mostSymbols());
    }

    /** Room for a stream before its length is known. */
    MemorySegment stream(MemorySegment scratch) {
        return scratch.asSlice(streamAt(), RansCoder.maxStreamBytes(mostSymbols()));
    }

    /** Room for what is encoded, or for the decoded values. */
    MemorySegment out(MemorySegment scratch) {
        return scratch.asSlice(outAt(), scratchBytes() - outAt());
    }

    /** What coding gives, with side information and low bits in place of what is sent. */
    KvKernels.Coded coded(AnchorPlan plan, MemorySegment scratch, MemorySegment sent) {
        return new KvKernels.Coded(
                sent.asSlice(0, plan.sideBytes()),
                symbols(scratch),
                sent.asSlice(plan.sideBytes(), plan.lowBytes()));
    }

    private static long aligned(long bytes) {
        return (bytes + 7) / 8 * 8;
    }

    /** The part's raw bytes after a zero byte: what cannot be coded, or would grow. */
    static MemorySegment copied(MemorySegment raw, MemorySegment out) {
        out.set(JAVA_BYTE, 0, (byte) 0);
        MemorySegment.copy(raw, 0, out, 1, raw.byteSize());
        return out.asSlice(0, raw.byteSize() + 1);
    }
}

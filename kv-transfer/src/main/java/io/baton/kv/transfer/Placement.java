package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the parts of one transfer go: fragments are put together, parts decoded, and every layer of
 * every block given to the sink exactly once, however often and in whatever order it comes. Under
 * the transfer's lock.
 */
final class Placement {
    /** Coded parts in fragments that may be incomplete at once. */
    private static final int MAX_ASSEMBLIES = 4;

    private final TransferSpec spec;
    private final KvSink sink;
    private final TransferCounters counters;
    private final Ticker ticker;
    private final int firstBlock;
    private final int blocks;
    private final Coverage coverage;
    private final Map<Long, Assembly> assemblies = new HashMap<>();
    private MemorySegment scratch = MemorySegment.NULL;
    private long payloadBytes;
    private long frames;
    private long decodedBytes;
    private long decodingNanos;

    Placement(TransferSpec spec, KvSink sink, TransferCounters counters, Ticker ticker) {
        this.spec = spec;
        this.sink = sink;
        this.counters = counters;
        this.ticker = ticker;
        int blockTokens = spec.layout().blockTokens();
        this.firstBlock = spec.fromToken() / blockTokens;
        this.blocks = spec.layout().blocksFor(spec.toToken()) - firstBlock;
        this.coverage = new Coverage(spec.layout().layers(), blocks);
    }

    /** Whether all has been given to the sink. */
    boolean isComplete() {
        return coverage.isComplete();
    }

    /** Tokens from the transfer's first on whose blocks are there in every layer. */
    int completeTokens() {
        long tokens = (long) coverage.leadingBlocks() * spec.layout().blockTokens();
        return (int) Math.min(tokens, spec.toToken() - spec.fromToken());
    }

    /** What is missing, for people. */
    String missing() {
        return "%d of %d block layers are missing"
                .formatted(coverage.missing(), (long) blocks * spec.layout().layers());
    }

    /** Bytes of payload that were of use. */
    long payloadBytes() {
        return payloadBytes;
    }

    /** Frames that were of use. */
    long frames() {
        return frames;
    }

    /** Raw bytes that had to be decoded, so not those that came raw. */
    long decodedBytes() {
        return decodedBytes;
    }

    /** Time that decoding took. */
    long decodingNanos() {
        return decodingNanos;
    }

    /**
     * Room for one layer's raw part whose blocks are all missing, as the sink has it; null if the
     * part is to come by {@link #accept}.
     */
    @Nullable List<MemorySegment> room(PartShape part) {
        return part.layerCount() == 1 && isFree(part)
                ? sink.room(
                        part.firstLayer(),
                        part.firstToken() / spec.layout().blockTokens(),
                        part.blocks())
                : null;
    }

    /** Whether a part lies in the transfer and none of its blocks has come. */
    boolean isFree(PartShape part) {
        int block = part.firstToken() / spec.layout().blockTokens() - firstBlock;
        if (block < 0 || block + part.blocks() > blocks) {
            return false;
        }
        for (int i = 0; i < part.blocks(); i++) {
            if (coverage.has(part.firstLayer(), block + i)) {
                return false;
            }
        }
        return true;
    }

    /** A free part was read to its room, and verified. */
    void filled(PartShape part) {
        int block = part.firstToken() / spec.layout().blockTokens();
        count(part.rawBytes());
        sink.filled(part.firstLayer(), block, part.blocks());
        for (int i = 0; i < part.blocks(); i++) {
            coverage.add(part.firstLayer(), block - firstBlock + i);
        }
    }

    /** Frees what is only needed while more may come. */
    void release() {
        assemblies.clear();
        scratch = MemorySegment.NULL;
    }

    /**
     * A verified data frame.
     *
     * @throws BatonException KV_TRANSFER_FAILED if it does not belong into this transfer, or cannot
     *     be decoded
     */
    void accept(KvCodec codec, PartShape part, FrameHeader header, MemorySegment payload) {
        int block = part.firstToken() / spec.layout().blockTokens() - firstBlock;
        if (block < 0 || block + part.blocks() > blocks) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "KV came for tokens from %d on, outside the transfer's [%d, %d)"
                            .formatted(part.firstToken(), spec.fromToken(), spec.toToken()));
        }
        if (!anyMissing(part, block)) {
            counters.duplicates.increment();
            return;
        }
        MemorySegment encoded = payload;
        if (header.fragmentCount() > 1) {
            @Nullable MemorySegment whole = assemble(part, header, payload);
            if (whole == null) {
                return;
            }
            encoded = whole;
        } else {
            count(payload.byteSize());
        }
        long scratchBytes = codec.scratchBytes(part);
        if (scratch.byteSize() < scratchBytes) {
            scratch = Arena.ofAuto().allocate(scratchBytes, Long.BYTES);
        }
        KvCodec.Setting setting = new KvCodec.Setting(header.codecLevel(), header.codecProfile());
        long begun = ticker.nanos();
        MemorySegment raw = codec.decode(part, setting, encoded, scratch);
        if (!raw.equals(encoded)) {
            decodedBytes += raw.byteSize();
            decodingNanos += ticker.nanos() - begun;
        }
        place(part, block, raw);
    }

    private void count(long bytes) {
        payloadBytes += bytes;
        frames++;
        counters.payloadBytes.add(bytes);
        counters.frames.increment();
    }

    private boolean anyMissing(PartShape part, int block) {
        for (int layer = 0; layer < part.layerCount(); layer++) {
            for (int i = 0; i < part.blocks(); i++) {
                if (!coverage.has(part.firstLayer() + layer, block + i)) {
                    return true;
                }
            }
        }
        return false;
    }

    private @Nullable MemorySegment assemble(
            PartShape part, FrameHeader header, MemorySegment payload) {
        long key =
                (long) part.firstToken() << 32 | (long) part.firstLayer() << 16 | part.layerCount();
        Assembly assembly = assemblies.get(key);
        if (assembly == null) {
            if (assemblies.size() == MAX_ASSEMBLIES) {
                throw new BatonException(
                        ErrorCode.KV_TRANSFER_FAILED,
                        "more than %d parts are incomplete at once".formatted(MAX_ASSEMBLIES));
            }
            assembly = new Assembly(header);
            assemblies.put(key, assembly);
        }
        if (!assembly.fits(header)) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED, "fragments of one part are coded differently");
        }
        if (assembly.has(header.fragmentIndex())) {
            counters.duplicates.increment();
            return null;
        }
        count(payload.byteSize());
        @Nullable MemorySegment whole = assembly.add(header.fragmentIndex(), payload);
        if (whole != null) {
            assemblies.remove(key);
        }
        return whole;
    }

    /** Gives the sink every run of blocks that is still missing; what is there is never touched. */
    private void place(PartShape part, int block, MemorySegment raw) {
        long blockBytes = spec.layout().blockLayerBytes();
        for (int l = 0; l < part.layerCount(); l++) {
            int layer = part.firstLayer() + l;
            long layerAt = l * blockBytes * part.blocks();
            int from = 0;
            while (from < part.blocks()) {
                if (coverage.has(layer, block + from)) {
                    from++;
                    continue;
                }
                int to = from + 1;
                while (to < part.blocks() && !coverage.has(layer, block + to)) {
                    to++;
                }
                sink.accept(
                        layer,
                        firstBlock + block + from,
                        raw.asSlice(layerAt + from * blockBytes, (to - from) * blockBytes));
                for (int i = from; i < to; i++) {
                    coverage.add(layer, block + i);
                }
                from = to;
            }
        }
    }
}

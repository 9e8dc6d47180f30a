package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One expected transfer: places parts, and decides its end once. The lock is held while sink and
 * listener run, so that {@link #close} can promise that neither runs after it.
 */
final class Inbound implements KvReceiver.InboundTransfer {
    private static final System.Logger LOG = System.getLogger(Inbound.class.getName());

    /** Coded parts in fragments that may be incomplete at once. */
    private static final int MAX_ASSEMBLIES = 4;

    /** What an inbound transfer needs of its receiver. */
    interface Home {
        /** The transfer takes no more frames: forget it. */
        void forget(Inbound inbound);

        /** Tells the sender to stop. */
        void tellClosed(KvChannel channel, TransferId id, BatonException reason);

        TransferCounters counters();
    }

    private final TransferId id;
    private final TransferSpec spec;
    private final KvSink sink;
    private final InboundListener listener;
    private final Home home;
    private final ReentrantLock lock = new ReentrantLock();
    private final int firstBlock;
    private final int blocks;
    private final Coverage coverage;
    private final Map<Long, Assembly> assemblies = new HashMap<>();
    private MemorySegment scratch = MemorySegment.NULL;
    private byte @Nullable [] trailer;
    private boolean ended;
    private long payloadBytes;
    private long frames;
    private long firstFrameNanos;
    private boolean stallSuspect;
    private long lastFrameNanos;
    private volatile @Nullable KvChannel channel;

    Inbound(TransferId id, TransferSpec spec, KvSink sink, InboundListener listener, Home home) {
        this.id = id;
        this.spec = spec;
        this.sink = sink;
        this.listener = listener;
        this.home = home;
        int blockTokens = spec.layout().blockTokens();
        this.firstBlock = spec.fromToken() / blockTokens;
        this.blocks = spec.layout().blocksFor(spec.toToken()) - firstBlock;
        this.coverage = new Coverage(spec.layout().layers(), blocks);
    }

    TransferId id() {
        return id;
    }

    /** The channel whose frames came last, null before the first. */
    @Nullable KvChannel channel() {
        return channel;
    }

    @Override
    public boolean hasBegun() {
        return channel != null;
    }

    @Override
    public int completeTokens() {
        lock.lock();
        try {
            long tokens = (long) coverage.leadingBlocks() * spec.layout().blockTokens();
            return (int) Math.min(tokens, spec.toToken() - spec.fromToken());
        } finally {
            lock.unlock();
        }
    }

    /** Any frame of this transfer came. */
    void onSign(KvChannel from, long nowNanos) {
        lock.lock();
        try {
            if (channel == null) {
                firstFrameNanos = nowNanos;
            }
            channel = from;
            lastFrameNanos = nowNanos;
            stallSuspect = false;
        } finally {
            lock.unlock();
        }
    }

    /** A verified data frame. */
    void onData(KvCodec codec, PartShape part, FrameHeader header, MemorySegment payload) {
        lock.lock();
        try {
            if (ended) {
                home.counters().staleFrames.increment();
                return;
            }
            try {
                accept(codec, part, header, payload);
            } catch (BatonException e) {
                fail(e);
                return;
            } catch (RuntimeException e) {
                fail(new BatonException(ErrorCode.INTERNAL, "placing KV failed: " + e, null, e));
                return;
            }
            completeIfAll();
        } finally {
            lock.unlock();
        }
    }

    private void accept(KvCodec codec, PartShape part, FrameHeader header, MemorySegment payload) {
        int block = part.firstToken() / spec.layout().blockTokens() - firstBlock;
        if (block < 0 || block + part.blocks() > blocks) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "KV came for tokens from %d on, outside the transfer's [%d, %d)"
                            .formatted(part.firstToken(), spec.fromToken(), spec.toToken()));
        }
        if (!anyMissing(part, block)) {
            home.counters().duplicates.increment();
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
            count(payload);
        }
        long scratchBytes = codec.scratchBytes(part);
        if (scratch.byteSize() < scratchBytes) {
            scratch = Arena.ofAuto().allocate(scratchBytes, Long.BYTES);
        }
        KvCodec.Setting setting = new KvCodec.Setting(header.codecLevel(), header.codecProfile());
        place(part, block, codec.decode(part, setting, encoded, scratch));
    }

    private void count(MemorySegment payload) {
        payloadBytes += payload.byteSize();
        frames++;
        home.counters().payloadBytes.add(payload.byteSize());
        home.counters().frames.increment();
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
            home.counters().duplicates.increment();
            return null;
        }
        count(payload);
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

    /** The sender says that everything was sent. */
    void onEnd(byte[] bytes) {
        lock.lock();
        try {
            if (!ended && trailer == null) {
                trailer = bytes;
                completeIfAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void completeIfAll() {
        byte[] end = trailer;
        if (ended || end == null || !coverage.isComplete()) {
            return;
        }
        ended = true;
        home.forget(this);
        home.counters().completed.increment();
        release();
        TransferStats stats =
                new TransferStats(payloadBytes, frames, lastFrameNanos - firstFrameNanos);
        tell(() -> listener.onComplete(end, stats));
    }

    /** A listener's own failure must not reach other transfers through the I/O thread. */
    private void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the listener of transfer " + id + " failed", e);
        }
    }

    /** Fails the transfer if it has not ended, and tells the sender. */
    void fail(BatonException reason) {
        lock.lock();
        try {
            if (!end(reason)) {
                return;
            }
            home.counters().failed.increment();
            tell(() -> listener.onFailed(reason));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Fails the transfer if it began and was then silent too long. The first finding is only noted:
     * after a pause of this process, what waits in the socket gets its chance before the second.
     */
    void failIfStalled(long nowNanos, long stallNanos) {
        lock.lock();
        try {
            if (ended || channel == null || nowNanos - lastFrameNanos < stallNanos) {
                return;
            }
            if (!stallSuspect) {
                stallSuspect = true;
                return;
            }
            home.counters().stalls.increment();
            fail(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "no frame came for %d ms (limit %d); %d of %d block layers are missing%s"
                                    .formatted(
                                            (nowNanos - lastFrameNanos) / 1_000_000,
                                            stallNanos / 1_000_000,
                                            coverage.missing(),
                                            (long) blocks * spec.layout().layers(),
                                            trailer == null ? "" : " though the end has come")));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            end(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED, "the receiver ended the transfer"));
        } finally {
            lock.unlock();
        }
    }

    private boolean end(BatonException reason) {
        if (ended) {
            return false;
        }
        ended = true;
        home.forget(this);
        release();
        KvChannel from = channel;
        if (from != null) {
            home.tellClosed(from, id, reason);
        }
        return true;
    }

    private void release() {
        assemblies.clear();
        scratch = MemorySegment.NULL;
    }
}

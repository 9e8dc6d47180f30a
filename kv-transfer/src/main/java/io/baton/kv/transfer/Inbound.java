package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.PayloadPlace;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One expected transfer, from the first sign of its sender to its end, which is decided once. What
 * comes goes through its {@link Placement}. The lock is held while sink and listener run, so that
 * {@link #close} can promise that neither runs after it.
 */
final class Inbound implements KvReceiver.InboundTransfer {
    private static final System.Logger LOG = System.getLogger(Inbound.class.getName());

    /** What an inbound transfer needs of its receiver. */
    interface Home {
        /** The transfer takes no more frames: forget it. */
        void forget(Inbound inbound);

        /** Tells the sender to stop. */
        void tellClosed(KvChannel channel, TransferId id, BatonException reason);

        TransferCounters counters();

        Ticker ticker();

        /** Parts of a transfer were decoded: so many raw bytes, in so long. */
        void decoded(long rawBytes, long nanos);
    }

    private final TransferId id;
    private final InboundListener listener;
    private final Home home;
    private final ReentrantLock lock = new ReentrantLock();
    private final Placement placement;
    private byte @Nullable [] trailer;
    private boolean ended;
    private long firstFrameNanos;
    private boolean stallSuspect;
    private long lastFrameNanos;
    private @Nullable Fill filling;
    private volatile @Nullable KvChannel channel;

    Inbound(TransferId id, TransferSpec spec, KvSink sink, InboundListener listener, Home home) {
        this.id = id;
        this.listener = listener;
        this.home = home;
        this.placement = new Placement(spec, sink, home.counters(), home.ticker());
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
            return placement.completeTokens();
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
                placement.accept(codec, part, header, payload);
            } catch (BatonException e) {
                fail(e);
                return;
            } catch (RuntimeException e) {
                fail(misplaced(e));
                return;
            }
            completeIfAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Where the payload of a raw part shall be read to; null if it is to come by {@link #onData}.
     * At most one at a time has a place.
     */
    @Nullable PayloadPlace place(KvChannel from, PartShape part) {
        lock.lock();
        try {
            if (ended || filling != null) {
                return null;
            }
            @Nullable List<MemorySegment> room = placement.room(part);
            if (room == null) {
                return null;
            }
            filling = new Fill(from, part, room);
            return filling;
        } finally {
            lock.unlock();
        }
    }

    /** A part that is being read to its room, while it is missing and the transfer lives. */
    private final class Fill implements PayloadPlace {
        private final KvChannel from;
        private final PartShape part;
        private final ByteBuffer[] views;

        Fill(KvChannel from, PartShape part, List<MemorySegment> room) {
            this.from = from;
            this.part = part;
            this.views = room.stream().map(MemorySegment::asByteBuffer).toArray(ByteBuffer[]::new);
        }

        @Override
        public ByteBuffer @Nullable [] enter() {
            lock.lock();
            if (ended || !placement.isFree(part)) {
                lock.unlock();
                return null;
            }
            if (channel == from) {
                // A long part is a sign of life before it is whole.
                lastFrameNanos = home.ticker().nanos();
            }
            return views;
        }

        @Override
        public void leave() {
            lock.unlock();
        }

        @Override
        public void verified() {
            lock.lock();
            try {
                filling = null;
                if (ended) {
                    home.counters().staleFrames.increment();
                    return;
                }
                onSign(from, home.ticker().nanos());
                if (!placement.isFree(part)) {
                    home.counters().duplicates.increment();
                    return;
                }
                try {
                    placement.filled(part);
                } catch (RuntimeException e) {
                    fail(misplaced(e));
                    return;
                }
                completeIfAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void dropped() {
            lock.lock();
            try {
                filling = null;
            } finally {
                lock.unlock();
            }
        }
    }

    private static BatonException misplaced(RuntimeException e) {
        return new BatonException(ErrorCode.INTERNAL, "placing KV failed: " + e, null, e);
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
        if (ended || end == null || !placement.isComplete()) {
            return;
        }
        ended = true;
        home.forget(this);
        home.counters().completed.increment();
        placement.release();
        home.decoded(placement.decodedBytes(), placement.decodingNanos());
        TransferStats stats =
                new TransferStats(
                        placement.payloadBytes(),
                        placement.frames(),
                        lastFrameNanos - firstFrameNanos,
                        placement.decodingNanos());
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
                            "no frame came for %d ms (limit %d); %s%s"
                                    .formatted(
                                            (nowNanos - lastFrameNanos) / 1_000_000,
                                            stallNanos / 1_000_000,
                                            placement.missing(),
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
        placement.release();
        KvChannel from = channel;
        if (from != null) {
            home.tellClosed(from, id, reason);
        }
        return true;
    }
}

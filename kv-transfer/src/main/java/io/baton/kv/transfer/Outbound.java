package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.kv.adapt.Forecast;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.SendResult;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One transfer being sent: its order, its back-pressure and its end; {@link PartFrames} makes what
 * is sent. The caller uses one thread at a time; keep-alives and the news of a loss come on the I/O
 * thread. The lock orders frames with their sequence numbers.
 */
final class Outbound implements KvSenders.OutboundTransfer {
    private static final System.Logger LOG = System.getLogger(Outbound.class.getName());

    /** How often a waiting caller looks whether the receiver has ended the transfer. */
    private static final long LOOK_NANOS = Duration.ofMillis(20).toNanos();

    private enum State {
        SENDING,
        FINISHED,
        LOST,
        CLOSED
    }

    /** What an outbound transfer needs of its senders. */
    interface Home {
        void forget(Outbound outbound);

        ControlFrames control();

        TransferCounters counters();
    }

    private final TransferId id;
    private final KvChannel channel;
    private final KvSenders.OutboundListener listener;
    private final Home home;
    private final Ticker ticker;
    private final Context context;
    private final LinkMeasure measure;
    private final AtomicReference<State> state = new AtomicReference<>(State.SENDING);
    private final ReentrantLock lock = new ReentrantLock();
    private final PartFrames parts;
    private final Arrivals arrivals;
    private final TransferSpec spec;
    private long sequence;
    private long refusedBytes;
    private long payloadBytes;
    private long codingNanos;
    private long frames;
    private long firstFrameNanos;
    private long lastFrameNanos;
    private long keptAliveNanos;

    /**
     * @throws BatonException CONFIGURATION if one layer of one chunk is longer than the queue
     */
    Outbound(
            TransferId id,
            TransferSpec spec,
            KvSenders.OutboundListener listener,
            Home home,
            Context context) {
        this.id = id;
        this.spec = spec;
        this.channel = context.connected().channel();
        this.listener = listener;
        this.home = home;
        this.ticker = context.ticker();
        this.context = context;
        this.measure = context.connected().measure();
        this.arrivals = new Arrivals(measure);
        this.parts = new PartFrames(id, spec, measure.ways(), channel.checksPayloads());
        long most = parts.mostBytes();
        if (most > context.queueBytes()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "one layer of a chunk of %d tokens may take %d bytes, the send queue has %d: use shorter chunks"
                            .formatted(spec.chunkTokens(), most, context.queueBytes()),
                    "kv.chunk-tokens");
        }
    }

    /**
     * Clock and queue of the senders, and the channel.
     *
     * @param adaptive whether the way of each chunk is chosen
     * @param place among the connections to the receiver
     */
    record Context(
            Ticker ticker,
            int queueBytes,
            boolean adaptive,
            Connecting.Connected connected,
            Lanes.Place place) {}

    TransferId id() {
        return id;
    }

    KvChannel channel() {
        return channel;
    }

    Lanes.Place place() {
        return context.place();
    }

    @Override
    public List<String> ways() {
        return measure.ways().stream().map(SendWay::name).toList();
    }

    @Override
    public SendResult offer(int way, int layer, int firstBlock, MemorySegment bytes) {
        int blocks = parts.blocks(layer, firstBlock, bytes.byteSize());
        lock.lock();
        try {
            if (!isSending()) {
                return SendResult.CLOSED;
            }
            long most = parts.mostBytes(blocks);
            if (!channel.hasRoom(most)) {
                return refused(most);
            }
            long begun = ticker.nanos();
            FrameBatch batch = parts.data(way, layer, firstBlock, bytes, sequence);
            long codingNanos = ticker.nanos() - begun;
            int added = batch.frames();
            long addedBytes = batch.bytes() - (long) added * FrameHeader.BYTES;
            SendResult result = channel.lend(batch);
            return switch (result) {
                case OK -> {
                    taken(added, addedBytes, codingNanos);
                    measure.encoded(way, bytes.byteSize(), addedBytes, codingNanos);
                    arrivals.sent(way, bytes.byteSize(), addedBytes, lastFrameNanos);
                    yield SendResult.OK;
                }
                case BACK_PRESSURED -> refused(most);
                case CLOSED -> SendResult.CLOSED;
            };
        } finally {
            lock.unlock();
        }
    }

    private void taken(int addedFrames, long addedBytes, long nanos) {
        long now = ticker.nanos();
        if (frames == 0) {
            firstFrameNanos = now;
        }
        lastFrameNanos = now;
        sequence += addedFrames;
        frames += addedFrames;
        payloadBytes += addedBytes;
        codingNanos += nanos;
        refusedBytes = 0;
        home.counters().frames.add(addedFrames);
        home.counters().payloadBytes.add(addedBytes);
    }

    private SendResult refused(long bytes) {
        refusedBytes = bytes;
        home.counters().backPressured.increment();
        return state.get() == State.SENDING ? SendResult.BACK_PRESSURED : SendResult.CLOSED;
    }

    private boolean isSending() {
        State now = state.get();
        if (now == State.FINISHED) {
            throw new IllegalStateException("the transfer is finished");
        }
        return now == State.SENDING;
    }

    @Override
    public SendResult finish(byte[] trailer) {
        if (trailer.length > FrameHeader.MAX_TRAILER_BYTES) {
            throw new IllegalArgumentException(
                    "a trailer has at most %d bytes, got %d"
                            .formatted(FrameHeader.MAX_TRAILER_BYTES, trailer.length));
        }
        lock.lock();
        try {
            if (!isSending()) {
                return SendResult.CLOSED;
            }
            long bytes = PartFrames.endBytes(trailer);
            if (!channel.hasRoom(bytes)) {
                // What was lent still waits; the batch is not to be touched.
                return refused(bytes);
            }
            FrameBatch batch = parts.end(trailer, sequence);
            SendResult result = channel.offer(batch);
            batch.clear();
            return switch (result) {
                case OK -> {
                    sequence++;
                    boolean first = state.compareAndSet(State.SENDING, State.FINISHED);
                    if (first) {
                        home.counters().completed.increment();
                    }
                    yield first ? SendResult.OK : SendResult.CLOSED;
                }
                case BACK_PRESSURED -> refused(bytes);
                case CLOSED -> SendResult.CLOSED;
            };
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean awaitWritable(long nanos) throws InterruptedException {
        long left = nanos;
        while (state.get() == State.SENDING) {
            long slice = Math.min(left, LOOK_NANOS);
            if (channel.await(refusedBytes, slice)) {
                return true;
            }
            left -= slice;
            if (left <= 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Carrier carrier() {
        return context.connected().carrier();
    }

    @Override
    public TransferStats stats() {
        lock.lock();
        try {
            return new TransferStats(
                    payloadBytes, frames, lastFrameNanos - firstFrameNanos, codingNanos);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public SendResult mark() {
        return keepAlive(ticker.nanos(), 0);
    }

    @Override
    public KvSenders.Delivery delivery() {
        lock.lock();
        try {
            return arrivals.at(ticker.nanos());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<KvSenders.StreamPolicy> policy(
            long textDelayNanos, double receiverBytesPerSecond) {
        if (!context.adaptive() || carrier().isLocal()) {
            return Optional.empty();
        }
        double bytesPerToken = (double) spec.layout().blockBytes() / spec.layout().blockTokens();
        return Optional.of(
                measure.policy(
                        new Forecast(bytesPerToken, spec.chunkTokens(), textDelayNanos),
                        receiverBytesPerSecond));
    }

    /** The receiver has handled all up to this frame. I/O thread. */
    void arrived(long mark, long nowNanos) {
        boolean more;
        lock.lock();
        try {
            more = arrivals.answered(mark, nowNanos);
        } finally {
            lock.unlock();
        }
        if (more) {
            listener.onArrived();
        }
    }

    /** Says that the transfer lives, if it is time. I/O thread, and once at the start. */
    SendResult keepAlive(long nowNanos, long everyNanos) {
        if (state.get() != State.SENDING || !lock.tryLock()) {
            // Data is being offered at this moment, which says the same.
            return SendResult.OK;
        }
        try {
            if (sequence > 0 && nowNanos - keptAliveNanos < everyNanos) {
                return SendResult.OK;
            }
            SendResult result = home.control().keepAlive(channel, id, sequence);
            if (result == SendResult.OK) {
                arrivals.marked(sequence, nowNanos);
                sequence++;
                keptAliveNanos = nowNanos;
            }
            return result;
        } finally {
            lock.unlock();
        }
    }

    /** The receiver ended the transfer. After the end was sent this is no news. */
    void closedByReceiver(BatonException reason) {
        if (state.compareAndSet(State.SENDING, State.LOST)) {
            tellLost(reason);
        }
    }

    /** The channel is gone: what was sent last may not have arrived. */
    void channelLost(BatonException reason) {
        if (state.compareAndSet(State.SENDING, State.LOST)
                || state.compareAndSet(State.FINISHED, State.LOST)) {
            tellLost(reason);
        }
    }

    private void tellLost(BatonException reason) {
        home.forget(this);
        home.counters().failed.increment();
        try {
            listener.onLost(reason);
        } catch (RuntimeException e) {
            // Not the other transfers' fault, with which it shares the I/O thread.
            LOG.log(System.Logger.Level.ERROR, "the owner of transfer " + id + " failed", e);
        }
    }

    /** Whether silence of the peer matters to this transfer. */
    boolean isSendingOn(KvChannel other) {
        return channel == other && state.get() == State.SENDING;
    }

    /** The senders close: the caller hears of a loss unless everything was sent. */
    void endBecause(BatonException reason) {
        if (state.compareAndSet(State.SENDING, State.LOST)) {
            home.control().abort(channel, id, 0, reason);
            tellLost(reason);
        }
    }

    /** Ends a transfer that never began, without a word to anyone. */
    void discard() {
        state.set(State.CLOSED);
        home.forget(this);
    }

    @Override
    public void close() {
        State before = state.getAndSet(State.CLOSED);
        home.forget(this);
        lock.lock();
        try {
            channel.takeBack(parts.batch());
            if (before == State.SENDING) {
                home.control()
                        .abort(
                                channel,
                                id,
                                sequence,
                                new BatonException(
                                        ErrorCode.KV_TRANSFER_FAILED, "closed before its end"));
            }
        } finally {
            lock.unlock();
        }
    }
}

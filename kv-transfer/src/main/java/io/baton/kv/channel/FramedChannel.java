package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameReader;
import io.baton.kv.frame.FrameRules;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A channel over any {@link ByteTransport}: handshake, frames in, a bounded ring of bytes out.
 *
 * <p>An offer writes straight from the caller's memory while nothing waits, and copies into the
 * ring only what the transport does not take: on a fast link bytes are moved once. Reading, ticks
 * and all handler calls happen on the loop's thread; the lock guards the sending half.
 */
final class FramedChannel implements KvChannel {
    private static final System.Logger LOG = System.getLogger(FramedChannel.class.getName());

    /** Room beside the longest frame, so that a read seldom has to wait for a move. */
    private static final int READ_SLACK_BYTES = 192 << 10;

    private static final int SMALL_BYTES = 16 << 10;

    /** Most bytes read in a row before other channels have their turn. */
    private static final int READ_TURN_BYTES = 4 << 20;

    private static final AtomicLong NEXT_ID = new AtomicLong();

    private final long id = NEXT_ID.incrementAndGet();
    private final ChannelLoop loop;
    private final ChannelOptions options;
    private final ByteTransport transport;
    private final Handshake handshake;
    private final CompletableFuture<KvChannel> opening = new CompletableFuture<>();
    private final Arena memory = Arena.ofShared();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition drained = lock.newCondition();
    private final OutputRing ring;
    private final int queueBytes;
    private final long createdNanos;

    private final FrameReader reader = new FrameReader(new FrameRules.Handshake());
    private MemorySegment input;
    private ByteBuffer inputBuffer;
    private int from;
    private int to;

    private volatile @Nullable Peer peer;
    private volatile @Nullable BatonException closedBecause;
    private volatile long heardNanos;
    private volatile @Nullable BatonException closeWhenSent;
    private boolean finishedWriting;
    private long closeDeadlineNanos;
    private long wroteNanos;
    private boolean writeSuspect;

    FramedChannel(ChannelLoop loop, ByteTransport transport, Handshake handshake) {
        this.loop = loop;
        this.options = loop.group().options();
        this.transport = transport;
        this.handshake = handshake;
        this.createdNanos = options.ticker().nanos();
        this.heardNanos = createdNanos;
        this.queueBytes =
                switch (handshake) {
                    case Handshake.Sender sender -> options.bounds().queueBytes();
                    case Handshake.Receiver receiver -> 0;
                };
        this.ring = new OutputRing(memory.allocate(queueBytes + CONTROL_BYTES).asByteBuffer());
        this.input = memory.allocate(SMALL_BYTES, Long.BYTES);
        this.inputBuffer = input.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        loop.group().add(this);
    }

    /** Completes when the channel is open, or fails with the reason why it is not. */
    CompletableFuture<KvChannel> opening() {
        return opening;
    }

    /** The transport is connected: a sender speaks first. */
    void start() {
        switch (handshake) {
            case Handshake.Sender sender -> sendHandshake(FrameType.HELLO, sender.hello());
            case Handshake.Receiver receiver -> {}
        }
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public Peer peer() {
        Peer known = peer;
        if (known == null) {
            throw new IllegalStateException("the channel is not open yet");
        }
        return known;
    }

    @Override
    public long heardNanos() {
        return heardNanos;
    }

    @Override
    public SendResult offer(FrameBatch frames) {
        if (frames.bytes() > queueBytes) {
            throw new IllegalArgumentException(
                    "%d bytes of frames do not fit the queue of %d"
                            .formatted(frames.bytes(), queueBytes));
        }
        return offer(frames, CONTROL_BYTES);
    }

    @Override
    public SendResult offerControl(FrameBatch frames) {
        return offer(frames, 0);
    }

    private SendResult offer(FrameBatch frames, int reservedBytes) {
        IOException failure;
        lock.lock();
        try {
            if (closedBecause != null || closeWhenSent != null) {
                return SendResult.CLOSED;
            }
            if (ring.free() - reservedBytes < frames.bytes()) {
                return SendResult.BACK_PRESSURED;
            }
            send(frames.buffers(), 2 * frames.frames());
            return SendResult.OK;
        } catch (IOException e) {
            failure = e;
        } finally {
            lock.unlock();
        }
        abort(lost("writing to the peer failed: " + failure.getMessage(), failure));
        return SendResult.CLOSED;
    }

    private void send(ByteBuffer[] buffers, int count) throws IOException {
        boolean wasEmpty = ring.isEmpty();
        if (wasEmpty) {
            transport.write(buffers, count);
        }
        for (int i = 0; i < count; i++) {
            if (buffers[i].hasRemaining()) {
                ring.put(buffers[i]);
            }
        }
        if (wasEmpty && !ring.isEmpty()) {
            wroteNanos = options.ticker().nanos();
            transport.wantWrite();
        }
    }

    @Override
    public boolean hasRoom(long bytes) {
        lock.lock();
        try {
            return closedBecause == null && ring.free() - CONTROL_BYTES >= bytes;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean await(long bytes, long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            while (closedBecause == null && ring.free() - CONTROL_BYTES < bytes) {
                if (left <= 0) {
                    return false;
                }
                left = drained.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The transport takes bytes again. Loop's thread. */
    void onWritable() {
        IOException failure;
        lock.lock();
        try {
            if (closedBecause == null && !ring.isEmpty()) {
                drain();
            }
            finishIfSent();
            return;
        } catch (IOException e) {
            failure = e;
        } finally {
            lock.unlock();
        }
        abort(lost("writing to the peer failed: " + failure.getMessage(), failure));
    }

    private void drain() throws IOException {
        if (ring.drainTo(transport) > 0) {
            wroteNanos = options.ticker().nanos();
            heardNanos = wroteNanos;
            drained.signalAll();
        }
        if (!ring.isEmpty()) {
            transport.wantWrite();
        }
    }

    private void finishIfSent() {
        if (closeWhenSent != null && ring.isEmpty() && !finishedWriting) {
            finishedWriting = true;
            transport.finishWriting();
        }
    }

    /** Bytes may be there. Loop's thread. */
    void onReadable() {
        try {
            int turn = READ_TURN_BYTES;
            while (closedBecause == null) {
                if (turn <= 0) {
                    transport.readLater();
                    return;
                }
                inputBuffer.limit(inputBuffer.capacity()).position(to);
                int read = transport.read(inputBuffer);
                if (read < 0) {
                    BatonException reason = closeWhenSent;
                    abort(reason != null ? reason : lost("the peer closed the channel", null));
                    return;
                }
                if (read == 0) {
                    return;
                }
                heardNanos = options.ticker().nanos();
                to += read;
                turn -= read;
                handleFrames();
            }
        } catch (IOException e) {
            abort(lost("reading from the peer failed: " + e.getMessage(), e));
        }
    }

    private void handleFrames() {
        inputBuffer.clear();
        while (closedBecause == null) {
            switch (reader.read(inputBuffer, from, to)) {
                case FRAME -> {
                    int at = from;
                    from += reader.neededBytes();
                    handleFrame(
                            reader.header(),
                            input.asSlice(at + FrameHeader.BYTES, reader.header().payloadBytes()));
                }
                case INCOMPLETE -> {
                    makeRoom();
                    return;
                }
                case INVALID -> {
                    onInvalid();
                    return;
                }
            }
        }
    }

    private void makeRoom() {
        if (from == to) {
            from = 0;
            to = 0;
        } else if (from > 0 && from + reader.neededBytes() > inputBuffer.capacity()) {
            MemorySegment.copy(input, from, input, 0, to - from);
            to -= from;
            from = 0;
        }
    }

    private void onInvalid() {
        FrameError error = reader.error();
        loop.group().handler().onInvalid(error == null ? FrameError.CHECKSUM : error);
        BatonException reason = lost("the peer sent bytes that are no valid frame: " + error, null);
        if (peer == null) {
            sendHandshake(FrameType.REFUSED, Reason.encode(reason));
        }
        abort(reason);
    }

    private void handleFrame(FrameHeader header, MemorySegment payload) {
        try {
            if (peer == null) {
                onHandshake(header.type(), payload.toArray(ValueLayout.JAVA_BYTE));
            } else if (header.type() == FrameType.REFUSED) {
                abort(Reason.decode(payload.toArray(ValueLayout.JAVA_BYTE)));
            } else {
                loop.group().handler().onFrame(this, header, payload);
            }
        } catch (RuntimeException e) {
            abort(new BatonException(ErrorCode.INTERNAL, "handling a frame failed: " + e, null, e));
        }
    }

    private void onHandshake(FrameType type, byte[] payload) {
        switch (handshake.onFrame(type, payload)) {
            case Handshake.Step.Reply reply -> sendHandshake(reply.type(), reply.payload());
            case Handshake.Step.Refuse refuse -> {
                if (refuse.tellPeer()) {
                    sendHandshake(FrameType.REFUSED, Reason.encode(refuse.reason()));
                }
                abort(refuse.reason());
            }
            case Handshake.Step.Open open -> open(open);
        }
    }

    private void open(Handshake.Step.Open step) {
        Peer other = step.peer();
        switch (handshake) {
            case Handshake.Sender sender -> reader.rules(new FrameRules.Replies());
            case Handshake.Receiver receiver -> {
                reader.rules(
                        new FrameRules.Sending(
                                options.hello().layout(),
                                options.hello().chunkTokens(),
                                other.codecs(),
                                Handshake.isExact(options.hello(), other.hello())));
                growInput();
            }
        }
        peer = other;
        byte[] helloOk = step.helloOk();
        if (helloOk != null) {
            sendHandshake(FrameType.HELLO_OK, helloOk);
        }
        loop.group().handler().onOpen(this);
        opening.complete(this);
    }

    /** A proven peer gets a buffer for whole frames. */
    private void growInput() {
        MemorySegment large =
                memory.allocate(FrameHeader.MAX_FRAME_BYTES + READ_SLACK_BYTES, Long.BYTES);
        MemorySegment.copy(input, from, large, 0, to - from);
        input = large;
        inputBuffer = large.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        to -= from;
        from = 0;
    }

    private void sendHandshake(FrameType type, byte[] payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(type);
        batch.end(ByteBuffer.wrap(payload));
        offer(batch, 0);
    }

    /** Looks at deadlines. Loop's thread. */
    void tick(long now) {
        if (peer == null && now - createdNanos > options.bounds().handshakeNanos()) {
            abort(lost("no channel within the handshake time", null));
            return;
        }
        BatonException reason = null;
        lock.lock();
        try {
            if (closeWhenSent != null && now - closeDeadlineNanos >= 0) {
                reason = closeWhenSent;
            } else if (ring.isEmpty() || now - wroteNanos <= options.bounds().writeStallNanos()) {
                writeSuspect = false;
            } else if (writeSuspect) {
                reason = lost("the peer took no byte within the write stall time", null);
            } else {
                // Judged on the next tick: after a pause of this process the peer gets a chance.
                writeSuspect = true;
            }
        } finally {
            lock.unlock();
        }
        if (reason != null) {
            abort(reason);
        }
    }

    @Override
    public void close(BatonException reason) {
        lock.lock();
        try {
            if (closedBecause != null || closeWhenSent != null) {
                return;
            }
            if (peer != null) {
                closeWhenSent = reason;
                closeDeadlineNanos = options.ticker().nanos() + options.bounds().lingerNanos();
                finishIfSent();
                return;
            }
        } finally {
            lock.unlock();
        }
        abort(reason);
    }

    /** Closes now; what waits is lost. Any thread. */
    void abort(BatonException reason) {
        lock.lock();
        try {
            if (closedBecause != null) {
                return;
            }
            closedBecause = reason;
            drained.signalAll();
        } finally {
            lock.unlock();
        }
        transport.close();
        loop.execute(() -> finish(reason));
    }

    private void finish(BatonException reason) {
        loop.group().remove(this);
        lock.lock();
        try {
            memory.close();
        } finally {
            lock.unlock();
        }
        opening.completeExceptionally(reason);
        if (peer == null) {
            return;
        }
        try {
            loop.group().handler().onClosed(this, reason);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "handling a closed channel failed", e);
        }
    }

    private BatonException lost(String what, @Nullable Throwable cause) {
        Peer known = peer;
        String who = known == null ? "" : " (" + known.hello().workerId() + ")";
        return new BatonException(ErrorCode.KV_TRANSFER_FAILED, what + who, null, cause);
    }
}

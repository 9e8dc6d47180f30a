package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameRules;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A channel over any {@link ByteTransport}: the handshake first, then frames each way until it is
 * closed. What it does with bytes is in {@link SendSide} and {@link ReceiveSide}; here is its life.
 *
 * <p>Reading, ticks and all handler calls happen on the loop's thread; sending on any.
 */
public final class FramedChannel implements KvChannel, ReceiveSide.Sink {
    private static final System.Logger LOG = System.getLogger(FramedChannel.class.getName());

    private static final AtomicLong NEXT_ID = new AtomicLong();

    private final long id = NEXT_ID.incrementAndGet();
    private final ChannelLoop loop;
    private final ChannelOptions options;
    private final ByteTransport transport;
    private final Handshake handshake;
    private final CompletableFuture<KvChannel> opening = new CompletableFuture<>();
    private final Arena memory = Arena.ofShared();
    private final SendSide sending;
    private final ReceiveSide receiving;
    private final long createdNanos;

    private volatile @Nullable Peer peer;
    private volatile long heardNanos;

    /** A channel of the loop's group, not open yet: see {@link #start}. */
    public FramedChannel(ChannelLoop loop, ByteTransport transport, Handshake handshake) {
        this.loop = loop;
        this.options = loop.group().options();
        this.transport = transport;
        this.handshake = handshake;
        this.createdNanos = options.ticker().nanos();
        this.heardNanos = createdNanos;
        int queueBytes =
                switch (handshake) {
                    case Handshake.Sender sender -> options.bounds().queueBytes();
                    case Handshake.Receiver receiver -> 0;
                };
        this.sending =
                new SendSide(
                        transport,
                        options,
                        memory.allocate(queueBytes + CONTROL_BYTES).asByteBuffer(),
                        queueBytes);
        this.receiving = new ReceiveSide(transport, memory);
        loop.group().add(this);
    }

    /** Completes when the channel is open, or fails with the reason why it is not. */
    public CompletableFuture<KvChannel> opening() {
        return opening;
    }

    /** The transport is connected: a sender speaks first. */
    public void start() {
        switch (handshake) {
            case Handshake.Sender sender -> sendHandshake(FrameType.HELLO, sender.hello());
            case Handshake.Receiver receiver -> {}
        }
    }

    @Override
    public boolean checksPayloads() {
        return !transport.isMemory();
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
        try {
            return sending.offer(frames);
        } catch (IOException e) {
            return writingFailed(e);
        }
    }

    @Override
    public SendResult lend(FrameBatch frames) {
        try {
            return sending.lend(frames);
        } catch (IOException e) {
            return writingFailed(e);
        }
    }

    @Override
    public void takeBack(FrameBatch frames) {
        sending.takeBack(frames);
    }

    @Override
    public SendResult offerControl(FrameBatch frames) {
        try {
            return sending.offerControl(frames);
        } catch (IOException e) {
            return writingFailed(e);
        }
    }

    private SendResult writingFailed(IOException e) {
        abort(lost("writing to the peer failed: " + e.getMessage(), e));
        return SendResult.CLOSED;
    }

    @Override
    public boolean hasRoom(long bytes) {
        return sending.hasRoom(bytes);
    }

    @Override
    public boolean await(long bytes, long nanos) throws InterruptedException {
        return sending.await(bytes, nanos);
    }

    /** The transport takes bytes again. Loop's thread. */
    public void onWritable() {
        try {
            if (sending.onWritable()) {
                heardNanos = options.ticker().nanos();
            }
        } catch (IOException e) {
            writingFailed(e);
        }
    }

    /** Bytes may be there. Loop's thread. */
    public void onReadable() {
        try {
            switch (receiving.receive(this)) {
                case EMPTY, CLOSED -> {}
                case TURN_OVER -> transport.readLater();
                case END -> {
                    BatonException reason = sending.closingBecause();
                    abort(reason != null ? reason : lost("the peer closed the channel", null));
                }
                case INVALID -> onInvalid();
            }
        } catch (IOException e) {
            abort(lost("reading from the peer failed: " + e.getMessage(), e));
        }
    }

    @Override
    public void onBytes() {
        heardNanos = options.ticker().nanos();
    }

    @Override
    public boolean isClosed() {
        return sending.isClosed();
    }

    private void onInvalid() {
        loop.group().handler().onInvalid(receiving.error());
        BatonException reason =
                lost("the peer sent bytes that are no valid frame: " + receiving.error(), null);
        if (peer == null) {
            sendHandshake(FrameType.REFUSED, Reason.encode(reason));
        }
        abort(reason);
    }

    @Override
    public void onFrame(FrameHeader header, MemorySegment payload) {
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

    @Override
    public @Nullable PayloadPlace place(FrameHeader header) {
        if (peer == null) {
            return null;
        }
        try {
            return loop.group().handler().place(this, header);
        } catch (RuntimeException e) {
            abort(new BatonException(ErrorCode.INTERNAL, "placing KV failed: " + e, null, e));
            return null;
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
            case Handshake.Sender sender -> receiving.rules(new FrameRules.Replies());
            case Handshake.Receiver receiver -> {
                receiving.rules(
                        new FrameRules.Sending(
                                options.hello().layout(),
                                options.hello().chunkTokens(),
                                other.codecs(),
                                Handshake.isExact(options.hello(), other.hello())));
                receiving.grow();
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

    private void sendHandshake(FrameType type, byte[] payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(type);
        batch.end(ByteBuffer.wrap(payload));
        offerControl(batch);
    }

    /** Looks at deadlines. Loop's thread. */
    void tick(long now) {
        if (peer == null && now - createdNanos > options.bounds().handshakeNanos()) {
            abort(lost("no channel within the handshake time", null));
            return;
        }
        switch (sending.watch(now, heardNanos)) {
            case FINE -> {}
            case LINGERED -> {
                BatonException reason = sending.closingBecause();
                abort(reason != null ? reason : lost("the linger time is over", null));
            }
            case STALLED -> abort(lost("the peer took no byte within the write stall time", null));
        }
    }

    @Override
    public void close(BatonException reason) {
        if (peer == null) {
            abort(reason);
        } else {
            sending.closeWhenSent(reason);
        }
    }

    /** Closes now; what waits is lost. Any thread. */
    public void abort(BatonException reason) {
        if (sending.close()) {
            transport.close();
            loop.execute(() -> finish(reason));
        }
    }

    private void finish(BatonException reason) {
        loop.group().remove(this);
        receiving.close();
        sending.whileIdle(
                () -> {
                    memory.close();
                    transport.freeMemory();
                });
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

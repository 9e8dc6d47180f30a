package io.baton.kv.channel.cuda;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.FramedChannel;
import io.baton.kv.channel.NioLoop;
import io.baton.kv.channel.SelectedTransport;
import io.baton.kv.channel.fetch.FetchMessage;
import io.baton.kv.channel.fetch.Inbox;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A stream of bytes each way between two processes that share device memory. The side that connects
 * keeps what it writes in a ring in its device's memory; the other side has that mapped and fetches
 * when it has room. A local socket says how far the ring is filled and emptied, carries what is
 * little, and all of the way back, and its end tells that the peer is gone.
 *
 * <p>All but {@link #write}, {@link #wantWrite}, {@link #finishWriting} and {@link #close} belongs
 * to the loop's thread; what touches CUDA is done by the {@link CudaThread}.
 */
final class CudaTransport implements SelectedTransport {
    private static final System.Logger LOG = System.getLogger(CudaTransport.class.getName());

    private static final int INPUT_BYTES = 16 * Outgoing.MOST_MESSAGE_BYTES;

    /** Bytes between two looks at other sockets. */
    private static final int TURN_BYTES = 1 << 20;

    private final NioLoop loop;
    private final SocketChannel socket;
    private final CudaEnd cuda;
    private final @Nullable SentRing sent;
    private final Arena memory = Arena.ofShared();
    private final Outgoing outgoing;
    private final Inbox inbox;
    private final AtomicBoolean pumpScheduled = new AtomicBoolean();
    private final AtomicBoolean readScheduled = new AtomicBoolean();
    private final AtomicBoolean writeWanted = new AtomicBoolean();
    private final MessageBuffer input = new MessageBuffer(INPUT_BYTES);
    private volatile @Nullable FramedChannel channel;
    private volatile @Nullable SelectionKey key;
    private volatile @Nullable String failure;

    /** Set by the CUDA thread; null until the peer's ring is mapped, and on the side that sends. */
    private volatile @Nullable FetchedRing fetched;

    private boolean opening;
    private boolean ringOffered;
    private boolean heard;
    private boolean deaf;
    private boolean endHeard;

    /** The ring is given back: a copy that ends now must not be followed by another. */
    private boolean freed;

    private CudaTransport(
            NioLoop loop, SocketChannel socket, CudaEnd cuda, @Nullable SentRing sent) {
        this.loop = loop;
        this.socket = socket;
        this.cuda = cuda;
        this.sent = sent;
        this.outgoing = new Outgoing(loop, cuda.thread(), sent, memory, this::onCopied);
        this.inbox = new Inbox(cuda.slots(), this::fetch, this::readLater);
    }

    /** The side that listens: the ring comes as the first message. */
    static CudaTransport listening(NioLoop loop, SocketChannel socket, CudaEnd cuda) {
        return new CudaTransport(loop, socket, cuda, null);
    }

    /** The side that connects, with the ring it offers. */
    static CudaTransport connecting(
            NioLoop loop, SocketChannel socket, CudaEnd cuda, SentRing sent) {
        CudaTransport transport = new CudaTransport(loop, socket, cuda, sent);
        transport.outgoing.offer(sent.offer());
        return transport;
    }

    @Override
    public SocketChannel socket() {
        return socket;
    }

    @Override
    public void attach(SelectionKey registered, FramedChannel owner) {
        channel = owner;
        key = registered;
        pump();
    }

    @Override
    public void onReady() {
        SelectionKey registered = key;
        if (registered == null) {
            return;
        }
        if (registered.isWritable()) {
            registered.interestOpsAnd(~SelectionKey.OP_WRITE);
            pump();
        }
        if (registered.isValid() && registered.isReadable()) {
            receive();
        }
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        String gone = failure;
        long taken = gone == null ? outgoing.write(buffers, count) : -1;
        if (taken < 0) {
            throw new IOException("the peer has gone" + (gone == null ? "" : ": " + gone));
        }
        if (taken > 0) {
            pumpLater();
        }
        return taken;
    }

    @Override
    public void wantWrite() {
        writeWanted.set(true);
        if (outgoing.hasRoom()) {
            writeIfWanted();
        }
    }

    private void writeIfWanted() {
        FramedChannel owner = channel;
        if (owner != null && writeWanted.getAndSet(false)) {
            loop.execute(owner::onWritable);
        }
    }

    private void pumpLater() {
        if (!pumpScheduled.getAndSet(true)) {
            loop.execute(
                    () -> {
                        pumpScheduled.set(false);
                        pump();
                    });
        }
    }

    /** Says what is to be said, as far as the socket takes it. */
    private void pump() {
        SelectionKey registered = key;
        if (registered == null || failure != null || deaf || freed) {
            return;
        }
        try {
            if (!outgoing.say(socket, inbox.released())) {
                registered.interestOpsOr(SelectionKey.OP_WRITE);
            }
        } catch (IOException e) {
            // The peer hears nothing any more; it may have said why.
            deaf = true;
            receive();
            fail(String.valueOf(e.getMessage()));
        } catch (CancelledKeyException e) {
            LOG.log(System.Logger.Level.TRACE, "said to a closed channel", e);
        }
    }

    /** Bytes are in the stream of copies, or cannot be. */
    private void onCopied(@Nullable IOException failed) {
        if (failed == null) {
            pump();
        } else {
            fail(String.valueOf(failed.getMessage()));
        }
    }

    /** Reads what the socket has. */
    private void receive() {
        try {
            for (int turn = TURN_BYTES; turn > 0 && !opening && failure == null; ) {
                int come = input.readFrom(socket);
                if (come < 0) {
                    hear(false);
                    readLater();
                    if (!endHeard) {
                        fail("it closed the connection");
                    }
                    return;
                }
                if (come == 0) {
                    return;
                }
                turn -= come;
                heard = true;
                takeMessages();
            }
        } catch (IOException e) {
            fail(String.valueOf(e.getMessage()));
        } catch (Inbox.Violation | ArithmeticException e) {
            fail("it broke the rules of the stream: " + e.getMessage());
        }
    }

    private void takeMessages() throws Inbox.Violation {
        while (!opening && failure == null) {
            FetchMessage kind = input.kind();
            if (kind == null) {
                return;
            }
            long first = input.first();
            long second = input.second();
            int dataBytes = dataBytes(kind, second);
            ByteBuffer data = input.data(dataBytes);
            if (data == null) {
                return;
            }
            onMessage(kind, first, second, data);
            input.skip(dataBytes);
        }
    }

    private static int dataBytes(FetchMessage kind, long second) throws Inbox.Violation {
        return switch (kind) {
            case RING -> RingOffer.DATA_BYTES;
            case BYTES -> bounded(second, Outgoing.INLINE_BYTES);
            case REFUSED -> bounded(second, Outgoing.MOST_REASON_BYTES);
            case PUBLISHED, RELEASED, END -> 0;
        };
    }

    private static int bounded(long bytes, int most) throws Inbox.Violation {
        if (bytes <= 0 || bytes > most) {
            throw new Inbox.Violation("%d bytes in a message, limit %d".formatted(bytes, most));
        }
        return (int) bytes;
    }

    private void onMessage(FetchMessage kind, long first, long second, ByteBuffer data)
            throws Inbox.Violation {
        switch (kind) {
            case RING -> openRing(RingOffer.read(data, first, second));
            case BYTES -> {
                byte[] bytes = new byte[data.remaining()];
                data.get(bytes);
                inbox.bytes(first, bytes);
            }
            case PUBLISHED -> inbox.published(first, second);
            case RELEASED -> onReleased(first);
            case END -> {
                endHeard = true;
                inbox.end(first);
            }
            case REFUSED -> onRefused(StandardCharsets.UTF_8.decode(data).toString());
        }
    }

    /** Nothing more is heard until the ring is mapped: all that follows may lie in it. */
    private void openRing(RingOffer offer) throws Inbox.Violation {
        if (ringOffered || sent != null) {
            throw new Inbox.Violation("a second ring, or one of the side that listens");
        }
        ringOffered = true;
        opening = true;
        hear(false);
        cuda.thread()
                .run(
                        context -> {
                            FetchedRing ringOfPeer =
                                    FetchedRing.open(cuda.driver(), cuda.device(), context, offer);
                            cuda.thread().own(ringOfPeer);
                            fetched = ringOfPeer;
                        },
                        failed -> loop.execute(() -> onOpened(offer, failed)));
    }

    private void onOpened(RingOffer offer, @Nullable IOException failed) {
        opening = false;
        if (failed != null) {
            refuse(String.valueOf(failed.getMessage()));
            return;
        }
        try {
            inbox.ring(offer.bytes());
            takeMessages();
            if (!opening) {
                hear(true);
            }
        } catch (Inbox.Violation | ArithmeticException e) {
            fail("it broke the rules of the stream: " + e.getMessage());
        }
    }

    private void refuse(String why) {
        outgoing.refuse(why);
        pump();
        fail(why);
        FramedChannel owner = channel;
        if (owner != null) {
            owner.abort(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED, "a ring of a peer is refused: " + why));
        }
    }

    private void onRefused(String why) {
        FramedChannel owner = channel;
        if (owner != null) {
            owner.abort(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "the receiver cannot read this device: " + why));
        }
        fail(why);
    }

    private void onReleased(long position) throws Inbox.Violation {
        outgoing.release(position);
        writeIfWanted();
        pump();
    }

    /** Whether the socket is read. */
    private void hear(boolean on) {
        SelectionKey registered = key;
        if (registered == null) {
            return;
        }
        try {
            if (on) {
                registered.interestOpsOr(SelectionKey.OP_READ);
            } else {
                registered.interestOpsAnd(~SelectionKey.OP_READ);
            }
        } catch (CancelledKeyException e) {
            LOG.log(System.Logger.Level.TRACE, "heard from a closed channel", e);
        }
    }

    private void fetch(long offset, MemorySegment into, Runnable onFetched, Runnable onFailed) {
        FetchedRing from = fetched;
        if (from == null || failure != null) {
            onFailed.run();
            return;
        }
        cuda.thread()
                .copy(
                        context -> from.copy(offset, into),
                        failed ->
                                loop.execute(
                                        () -> {
                                            if (failed == null) {
                                                onFetched.run();
                                                pump();
                                            } else {
                                                onFailed.run();
                                                fail(String.valueOf(failed.getMessage()));
                                            }
                                        }));
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        int bytes = inbox.read(target);
        String gone = failure;
        if (bytes == 0 && gone != null) {
            if (outgoing.isFinishedAndTaken()) {
                // It took all that was sent before the end, and left.
                return -1;
            }
            throw new IOException("the peer has gone: " + gone);
        }
        if (bytes > 0) {
            pumpLater();
        } else if (bytes < 0) {
            // The last words: what was taken. The channel closes with this end.
            pump();
        }
        return bytes;
    }

    @Override
    public void readLater() {
        FramedChannel owner = channel;
        if (owner != null && !readScheduled.getAndSet(true)) {
            loop.execute(
                    () -> {
                        readScheduled.set(false);
                        owner.onReadable();
                    });
        }
    }

    @Override
    public void finishWriting() {
        outgoing.finish();
        pumpLater();
    }

    /** The channel is of no use any more. */
    private void fail(String why) {
        if (failure != null) {
            return;
        }
        failure = why;
        hear(false);
        FramedChannel owner = channel;
        if (owner != null && !heard) {
            owner.abort(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "the KV receiver cannot be reached: " + why));
        }
        readLater();
    }

    /**
     * The sender's peer hears of it at once. A receiver lets go of the ring first: its socket's end
     * says that too.
     */
    @Override
    public void close() {
        SelectionKey registered = key;
        if (registered != null) {
            registered.cancel();
            registered.selector().wakeup();
        }
        if (sent == null) {
            return;
        }
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "ending the output of a closed socket", e);
        }
    }

    @Override
    public void freeMemory() {
        freed = true;
        inbox.close();
        outgoing.close();
        memory.close();
        SentRing exported = sent;
        if (exported == null) {
            cuda.thread().run(this::letGo, failed -> closeSocket());
        } else {
            cuda.thread().freeAfter(socket, exported);
        }
    }

    private void letGo(CudaDriver.Context context) throws IOException {
        FetchedRing mapped = fetched;
        if (mapped != null) {
            cuda.thread().free(context, mapped);
        }
    }

    private void closeSocket() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a socket", e);
        }
    }
}

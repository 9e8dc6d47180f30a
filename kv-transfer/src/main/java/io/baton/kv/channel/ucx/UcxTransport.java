package io.baton.kv.channel.ucx;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ByteTransport;
import io.baton.kv.channel.FramedChannel;
import io.baton.kv.channel.fetch.FetchMessage;
import io.baton.kv.channel.fetch.Inbox;
import io.baton.kv.channel.fetch.SendRing;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxCallback;
import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpConstants;
import org.openucx.jucx.ucp.UcpEndpoint;
import org.openucx.jucx.ucp.UcpEndpointParams;
import org.openucx.jucx.ucp.UcpRemoteKey;
import org.openucx.jucx.ucp.UcpRequest;
import org.openucx.jucx.ucs.UcsConstants;

/**
 * A stream of bytes each way over one UCX endpoint. What is written lies in a ring that the peer
 * may read; active messages say how far it is filled, and the receiver fetches (ucp_get) what it
 * has room for and says how far it came. Few bytes travel in the message itself. So nobody can be
 * sent more than it asked for, and no byte is copied by the sender's processor where the hardware
 * reads remote memory.
 *
 * <p>All but {@link #write}, {@link #wantWrite}, {@link #finishWriting} and {@link #close} belongs
 * to the loop's thread.
 */
final class UcxTransport implements ByteTransport {
    static final int MESSAGE_ID = 0;

    /** Most bytes that travel in one message. */
    private static final int INLINE_BYTES = 4 << 10;

    private static final int HEADERS = 16;
    private static final int HOST = UcsConstants.MEMORY_TYPE.UCS_MEMORY_TYPE_HOST;

    private enum State {
        OPEN,
        /** What was written is sent and flushed; then the endpoint is closed. */
        ENDING,
        CLOSING,
        FREED
    }

    private final UcxLoop loop;
    private final RegisteredMemory memory;
    private final SendRing ring;
    private final Inbox inbox;
    private final Arena headerMemory = Arena.ofShared();
    private final ArrayDeque<MemorySegment> headers = new ArrayDeque<>(HEADERS);
    private final AtomicBoolean pumpScheduled = new AtomicBoolean();
    private final AtomicBoolean readScheduled = new AtomicBoolean();
    private final AtomicBoolean writeWanted = new AtomicBoolean();
    private volatile @Nullable FramedChannel channel;
    private volatile @Nullable String failure;
    private volatile boolean finishing;

    private State state = State.OPEN;
    private @Nullable UcpEndpoint endpoint;
    private @Nullable UcpRemoteKey remoteKey;
    private @Nullable UcpRequest closing;
    private long remoteAddress;
    private long published;
    private long toldReleased;
    private long closeDeadlineNanos;
    private int fetches;
    private boolean heard;
    private boolean endSent;
    private boolean flushing;
    private boolean pumping;

    UcxTransport(UcxLoop loop, int ringBytes) {
        this.loop = loop;
        this.memory = new RegisteredMemory(loop.context(), ringBytes);
        this.ring = new SendRing(memory.memory());
        this.inbox = new Inbox(loop.pool(), this::fetch, this::readLater);
        for (int i = 0; i < HEADERS; i++) {
            headers.add(headerMemory.allocate(FetchMessage.HEADER_BYTES, 8));
        }
    }

    /** Set once, before the first use. */
    void join(FramedChannel owner) {
        channel = owner;
    }

    /** Makes the endpoint and introduces the ring. */
    void open(UcpEndpointParams to) {
        if (state != State.OPEN) {
            return;
        }
        try {
            UcpEndpoint made =
                    loop.worker()
                            .newEndpoint(
                                    to.setPeerErrorHandlingMode()
                                            .setErrorHandler((gone, status, text) -> fail(text)));
            endpoint = made;
            loop.add(made.getNativeId(), this);
            send(
                    FetchMessage.RING,
                    memory.memory().address(),
                    ring.capacity(),
                    MemorySegment.ofBuffer(memory.remoteKey()));
            pump();
        } catch (UcxException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        String gone = failure;
        long taken = gone == null ? ring.write(buffers, count) : -1;
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
        if (ring.hasRoom()) {
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

    /** Sends what is to be said. */
    private void pump() {
        if (pumping || endpoint == null || failure != null || state.compareTo(State.ENDING) > 0) {
            return;
        }
        pumping = true;
        try {
            boolean more = true;
            while (more && failure == null && !headers.isEmpty()) {
                more = sayReleased() || publish() || sayEnd();
            }
            if (state == State.ENDING && !more && !flushing) {
                flush();
            }
        } catch (UcxException e) {
            fail(String.valueOf(e.getMessage()));
        } finally {
            pumping = false;
        }
    }

    private boolean sayReleased() {
        long released = inbox.released();
        if (released == toldReleased) {
            return false;
        }
        toldReleased = released;
        send(FetchMessage.RELEASED, released, 0, MemorySegment.NULL);
        return true;
    }

    private boolean publish() {
        long written = ring.written();
        long from = published;
        if (written == from) {
            return false;
        }
        if (written - from <= INLINE_BYTES && written - ring.released() <= Inbox.INLINE_WINDOW) {
            MemorySegment piece = ring.piece(from, written);
            published = from + piece.byteSize();
            send(FetchMessage.BYTES, from, piece.byteSize(), piece);
        } else {
            published = written;
            send(FetchMessage.PUBLISHED, from, written, MemorySegment.NULL);
        }
        return true;
    }

    private boolean sayEnd() {
        if ((!finishing && state == State.OPEN) || endSent) {
            return false;
        }
        endSent = true;
        send(FetchMessage.END, published, 0, MemorySegment.NULL);
        return true;
    }

    private void send(FetchMessage message, long first, long second, MemorySegment data) {
        UcpEndpoint to = endpoint;
        MemorySegment header = headers.poll();
        if (to == null || header == null) {
            throw new IllegalStateException("a message without endpoint or header");
        }
        message.write(header, first, second);
        to.sendAmNonBlocking(
                MESSAGE_ID,
                header.address(),
                FetchMessage.HEADER_BYTES,
                data.address(),
                data.byteSize(),
                UcpConstants.UCP_AM_SEND_FLAG_EAGER | UcpConstants.UCP_AM_SEND_FLAG_REPLY,
                new UcxCallback() {
                    @Override
                    public void onSuccess(UcpRequest request) {
                        headers.add(header);
                        pump();
                    }

                    @Override
                    public void onError(int status, String text) {
                        headers.add(header);
                        fail(text);
                    }
                },
                HOST);
    }

    private void fetch(long offset, MemorySegment into, Runnable onFetched, Runnable onFailed) {
        UcpEndpoint from = endpoint;
        UcpRemoteKey key = remoteKey;
        if (from == null || key == null || failure != null) {
            onFailed.run();
            return;
        }
        fetches++;
        loop.working(1);
        try {
            from.getNonBlocking(
                    remoteAddress + offset,
                    key,
                    into.address(),
                    into.byteSize(),
                    new UcxCallback() {
                        @Override
                        public void onSuccess(UcpRequest request) {
                            fetched();
                            onFetched.run();
                            pump();
                        }

                        @Override
                        public void onError(int status, String text) {
                            fetched();
                            onFailed.run();
                            fail(text);
                        }
                    },
                    HOST);
        } catch (UcxException e) {
            // The callback has heard of it as well.
            fail(String.valueOf(e.getMessage()));
        }
    }

    private void fetched() {
        fetches--;
        loop.working(-1);
    }

    /** A message of the peer; its data is valid during the call. */
    void onMessage(MemorySegment header, MemorySegment data) {
        heard = true;
        if (state != State.OPEN) {
            return;
        }
        try {
            FetchMessage kind = FetchMessage.kind(header);
            if (kind == null) {
                throw new Inbox.Violation("an unknown message");
            }
            onMessage(kind, FetchMessage.first(header), FetchMessage.second(header), data);
        } catch (Inbox.Violation | ArithmeticException | UcxException e) {
            fail("the peer broke the rules of the stream: " + e.getMessage());
        }
    }

    private void onMessage(FetchMessage kind, long first, long second, MemorySegment data)
            throws Inbox.Violation {
        switch (kind) {
            case RING -> onRing(first, second, data);
            case BYTES -> {
                if (data.byteSize() != second || second > INLINE_BYTES) {
                    throw new Inbox.Violation(
                            "%d bytes, announced %d".formatted(data.byteSize(), second));
                }
                inbox.bytes(first, data.toArray(ValueLayout.JAVA_BYTE));
            }
            case PUBLISHED -> inbox.published(first, second);
            case RELEASED -> onReleased(first);
            case END -> inbox.end(first);
            case REFUSED -> throw new Inbox.Violation("a refusal, which UCX has none of");
        }
    }

    private void onRing(long address, long bytes, MemorySegment key) throws Inbox.Violation {
        UcpEndpoint from = endpoint;
        if (remoteKey != null || from == null) {
            throw new Inbox.Violation("a second ring");
        }
        ByteBuffer copy = ByteBuffer.allocateDirect((int) key.byteSize());
        copy.put(key.asByteBuffer()).clear();
        remoteKey = from.unpackRemoteKey(copy);
        remoteAddress = address;
        inbox.ring(bytes);
    }

    private void onReleased(long position) throws Inbox.Violation {
        if (position > published || position < 0) {
            throw new Inbox.Violation("%d released of %d".formatted(position, published));
        }
        ring.release(position);
        writeIfWanted();
        pump();
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        int bytes = inbox.read(target);
        String gone = failure;
        if (bytes == 0 && gone != null) {
            if (finishing && ring.released() == ring.written()) {
                // It took all that was sent before the end, and left.
                return -1;
            }
            throw new IOException("the peer has gone: " + gone);
        }
        if (bytes > 0) {
            pumpLater();
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
        finishing = true;
        pumpLater();
    }

    @Override
    public void close() {
        loop.execute(this::shut);
    }

    /** The endpoint is of no use any more. */
    private void fail(String why) {
        if (failure != null) {
            return;
        }
        failure = why;
        FramedChannel owner = channel;
        if (owner != null && !heard) {
            owner.abort(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "the KV receiver cannot be reached: " + why));
        }
        readLater();
    }

    /** Sends and flushes what was written, for at most the linger time, then frees all. */
    private void shut() {
        if (state != State.OPEN) {
            return;
        }
        state = State.ENDING;
        closeDeadlineNanos = loop.lingerDeadlineNanos();
        inbox.close();
        ring.close();
        if (endpoint == null) {
            dispose();
        } else {
            pump();
        }
    }

    private void flush() {
        UcpEndpoint ending = endpoint;
        flushing = true;
        if (ending != null) {
            ending.flushNonBlocking(
                    new UcxCallback() {
                        @Override
                        public void onSuccess(UcpRequest request) {
                            closeDeadlineNanos = Long.MIN_VALUE;
                        }

                        @Override
                        public void onError(int status, String text) {
                            fail(text);
                        }
                    });
        }
    }

    /** Goes on with closing; whether nothing is left of the transport. */
    boolean isFreed(long nowNanos) {
        UcpEndpoint ending = endpoint;
        if (state == State.ENDING
                && ending != null
                && (failure != null
                        || closeDeadlineNanos == Long.MIN_VALUE
                        || nowNanos - closeDeadlineNanos >= 0)) {
            state = State.CLOSING;
            closing = ending.closeNonBlockingForce();
        }
        UcpRequest request = closing;
        if (state == State.CLOSING
                && fetches == 0
                && headers.size() == HEADERS
                && (request == null || request.isCompleted())) {
            dispose();
        }
        return state == State.FREED;
    }

    /** Whether closing waits for UCX. */
    boolean isClosing() {
        return state == State.ENDING || state == State.CLOSING;
    }

    /** Frees memory and keys; the endpoint is closed, or its worker is. */
    void dispose() {
        if (state == State.FREED) {
            return;
        }
        state = State.FREED;
        UcpRemoteKey key = remoteKey;
        if (key != null) {
            key.close();
        }
        ring.close();
        memory.close();
        headerMemory.close();
    }
}

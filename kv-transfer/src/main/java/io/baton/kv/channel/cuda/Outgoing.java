package io.baton.kv.channel.cuda;

import io.baton.kv.channel.ChannelLoop;
import io.baton.kv.channel.fetch.FetchMessage;
import io.baton.kv.channel.fetch.Inbox;
import io.baton.kv.channel.fetch.SendRing;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way out of a {@link CudaTransport}: bytes wait in a ring; much is copied to the device and
 * announced, little is sent along with the messages. {@link #write}, {@link #hasRoom} and {@link
 * #finish} are for any thread, the rest for the loop's.
 */
final class Outgoing {
    /** Most bytes that travel in one message. */
    static final int INLINE_BYTES = 4 << 10;

    /** Most bytes of a refusal. */
    static final int MOST_REASON_BYTES = 1 << 10;

    static final int MOST_MESSAGE_BYTES = FetchMessage.HEADER_BYTES + INLINE_BYTES;

    private final ChannelLoop loop;
    private final CudaThread cuda;
    private final @Nullable SentRing sent;
    private final SendRing ring;
    private final Consumer<@Nullable IOException> onCopied;
    private final MessageBuffer messages = new MessageBuffer(4 * MOST_MESSAGE_BYTES);
    private volatile boolean finishing;
    private long published;
    private long copiedTo;
    private long toldReleased;
    private boolean copying;
    private boolean endSent;

    /**
     * @param sent ring in device memory; without one all goes along with the messages
     * @param memory lives as long as this
     * @param onCopied hears on the loop's thread of each copy to the device: null, or why not
     */
    Outgoing(
            ChannelLoop loop,
            CudaThread cuda,
            @Nullable SentRing sent,
            Arena memory,
            Consumer<@Nullable IOException> onCopied) {
        this.loop = loop;
        this.cuda = cuda;
        this.sent = sent;
        this.ring =
                sent == null ? new SendRing(memory.allocate(Inbox.INLINE_WINDOW, 64)) : sent.ring();
        this.onCopied = onCopied;
    }

    /** Takes what fits; -1 after {@link #close}. */
    long write(ByteBuffer[] buffers, int count) {
        return ring.write(buffers, count);
    }

    boolean hasRoom() {
        return ring.hasRoom();
    }

    /** No more is written. */
    void finish() {
        finishing = true;
    }

    /** The first message of the side that has a ring. */
    void offer(RingOffer offer) {
        messages.put(FetchMessage.RING, offer.offset(), offer.bytes(), offer::write);
    }

    /** The last message to a peer whose ring cannot be read. */
    void refuse(String why) {
        byte[] text = why.getBytes(StandardCharsets.UTF_8);
        int bytes = Math.min(text.length, MOST_REASON_BYTES);
        if (messages.room() >= MOST_MESSAGE_BYTES) {
            messages.put(FetchMessage.REFUSED, 0, bytes, data -> data.put(text, 0, bytes));
        }
    }

    /** Says what is to be said; false if the socket did not take all of it. */
    boolean say(WritableByteChannel socket, long released) throws IOException {
        boolean more = true;
        while (more) {
            while (more && messages.room() >= MOST_MESSAGE_BYTES) {
                more = sayReleased(released) || publish() || sayEnd();
            }
            messages.writeTo(socket);
            more &= messages.room() >= MOST_MESSAGE_BYTES;
        }
        return messages.isEmpty();
    }

    private boolean sayReleased(long released) {
        if (released == toldReleased) {
            return false;
        }
        toldReleased = released;
        messages.put(FetchMessage.RELEASED, released, 0, data -> {});
        return true;
    }

    private boolean publish() {
        if (copiedTo > published) {
            messages.put(FetchMessage.PUBLISHED, published, copiedTo, data -> {});
            published = copiedTo;
            return true;
        }
        long from = published;
        long written = ring.written();
        if (copying || written == from) {
            return false;
        }
        SentRing through = sent;
        if (through == null || isLittle(from, written)) {
            MemorySegment piece = ring.piece(from, Math.min(written, from + INLINE_BYTES));
            messages.put(
                    FetchMessage.BYTES,
                    from,
                    piece.byteSize(),
                    data -> data.put(piece.asByteBuffer()));
            published = from + piece.byteSize();
            copiedTo = published;
            return true;
        }
        copying = true;
        cuda.run(
                context -> through.copy(from, written),
                failed -> loop.execute(() -> copied(written, failed)));
        return false;
    }

    private boolean isLittle(long from, long written) {
        return written - from <= INLINE_BYTES && written - ring.released() <= Inbox.INLINE_WINDOW;
    }

    /** The copy is in the stream before the event; whoever waits for that finds the bytes. */
    private void copied(long to, @Nullable IOException failed) {
        copying = false;
        if (failed == null) {
            copiedTo = to;
        }
        onCopied.accept(failed);
    }

    private boolean sayEnd() {
        if (!finishing || endSent || copying || published != ring.written()) {
            return false;
        }
        endSent = true;
        messages.put(FetchMessage.END, published, 0, data -> {});
        return true;
    }

    /** The peer has taken what lies before a position. */
    void release(long position) throws Inbox.Violation {
        if (position > published || position < ring.released()) {
            throw new Inbox.Violation("%d released of %d".formatted(position, published));
        }
        ring.release(position);
    }

    /** Whether no more is written, and the peer has taken all that was. */
    boolean isFinishedAndTaken() {
        return finishing && ring.released() == ring.written();
    }

    /** Takes nothing more. */
    void close() {
        ring.close();
    }
}

package io.baton.kv.channel;

import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One payload on its way to its {@link PayloadPlace}: read there in pieces that a cache holds, each
 * checked while it is warm. The loop's thread alone.
 */
final class Filling {
    /** Most bytes read before they are checked. */
    private static final int PIECE_BYTES = 256 << 10;

    /** Where a payload goes that nobody wants any more. */
    private static final int NOWHERE_BYTES = 64 << 10;

    /** Most buffers of one read, the last of which is the channel's own. */
    private static final int MOST_TARGETS = 64;

    private final ByteTransport transport;
    private final FrameReader reader;
    private final ByteBuffer[] targets = new ByteBuffer[MOST_TARGETS];
    private final int[] starts = new int[MOST_TARGETS];
    private @Nullable PayloadPlace place;
    private @Nullable ByteBuffer nowhere;
    private int left;
    private boolean wasShort;

    Filling(ByteTransport transport, FrameReader reader) {
        this.transport = transport;
        this.reader = reader;
    }

    boolean isRunning() {
        return place != null;
    }

    /**
     * Begins with the frame whose header the reader has found.
     *
     * @param buffer the header at {@code at}, and as much of the payload as is there
     * @param there bytes of the payload that are
     */
    void begin(PayloadPlace to, ByteBuffer buffer, int at, int there) {
        place = to;
        left = reader.header().payloadBytes();
        reader.beginPayload(buffer, at);
        int from = at + FrameHeader.BYTES;
        reader.payload(buffer, from, there);
        left -= there;
        ByteBuffer[] views = to.enter();
        if (views == null) {
            return;
        }
        try {
            int moved = 0;
            for (int i = 0; moved < there; i++) {
                ByteBuffer view = views[i];
                int bytes = Math.min(view.remaining(), there - moved);
                view.put(view.position(), buffer, from + moved, bytes);
                view.position(view.position() + bytes);
                moved += bytes;
            }
        } finally {
            to.leave();
        }
    }

    /**
     * Reads once. What comes after the payload goes to the spill.
     *
     * @return bytes read; 0 for nothing now, -1 for the end
     */
    int read(ByteBuffer spill) throws IOException {
        PayloadPlace to = place;
        if (to == null) {
            throw new IllegalStateException("no payload is being read");
        }
        ByteBuffer[] views = to.enter();
        if (views == null) {
            return readToNowhere();
        }
        try {
            int count = aim(views);
            int last = targets[count - 1].limit();
            int piece = bytesAimed(count);
            if (piece > PIECE_BYTES) {
                targets[count - 1].limit(last - (piece - PIECE_BYTES));
                piece = PIECE_BYTES;
            }
            int all = count;
            if (piece == left) {
                targets[all++] = spill;
            }
            long read = transport.read(targets, all);
            wasShort = targets[all - 1].hasRemaining();
            targets[count - 1].limit(last);
            check(count);
            return (int) read;
        } finally {
            to.leave();
        }
    }

    /** The next buffers that something remains in, about a piece of them; how many. */
    private int aim(ByteBuffer[] views) {
        int count = 0;
        int bytes = 0;
        for (int i = 0; i < views.length && count < MOST_TARGETS - 1 && bytes < PIECE_BYTES; i++) {
            if (views[i].hasRemaining()) {
                targets[count] = views[i];
                starts[count++] = views[i].position();
                bytes += views[i].remaining();
            }
        }
        return count;
    }

    private int bytesAimed(int count) {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += targets[i].remaining();
        }
        return bytes;
    }

    private void check(int count) {
        for (int i = 0; i < count; i++) {
            int bytes = targets[i].position() - starts[i];
            reader.payload(targets[i], starts[i], bytes);
            left -= bytes;
        }
    }

    private int readToNowhere() throws IOException {
        ByteBuffer sink = nowhere;
        if (sink == null) {
            sink = ByteBuffer.allocateDirect(NOWHERE_BYTES);
            nowhere = sink;
        }
        sink.clear().limit(Math.min(NOWHERE_BYTES, left));
        int read = transport.read(sink);
        wasShort = sink.hasRemaining();
        if (read > 0) {
            reader.payload(sink, 0, read);
            left -= read;
        }
        return read;
    }

    /** Whether less came than was asked for. */
    boolean wasShort() {
        return wasShort;
    }

    /** Whether the payload has come whole; then {@link #end}. */
    boolean isWhole() {
        return left == 0;
    }

    /** Ends with the whole payload; false if its checksum does not hold. */
    boolean end() {
        boolean holds = reader.endPayload();
        PayloadPlace to = place;
        place = null;
        if (to != null) {
            if (holds) {
                to.verified();
            } else {
                to.dropped();
            }
        }
        return holds;
    }

    /** The channel closes: nothing more comes. */
    void drop() {
        PayloadPlace to = place;
        place = null;
        if (to != null) {
            to.dropped();
        }
    }
}

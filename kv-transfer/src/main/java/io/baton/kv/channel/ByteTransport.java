package io.baton.kv.channel;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A non-blocking stream of bytes each way: what a {@link FramedChannel} needs from a socket. A
 * transport that encrypts can wrap another one here.
 *
 * <p>One whose bytes come in memory of its own shows them there too: {@link #isMemory}.
 */
public interface ByteTransport {
    /** No bytes. */
    ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /** Writes what can be written now; moves positions. Under the channel's lock. */
    long write(ByteBuffer[] buffers, int count) throws IOException;

    /** Reads what is there; 0 for nothing now, -1 for the end. On the loop's thread. */
    int read(ByteBuffer target) throws IOException;

    /** As {@link #read(ByteBuffer)}, into the first buffers one after the other. */
    default long read(ByteBuffer[] targets, int count) throws IOException {
        long read = 0;
        for (int i = 0; i < count; i++) {
            int one = read(targets[i]);
            if (one < 0) {
                return read > 0 ? read : one;
            }
            read += one;
            if (targets[i].hasRemaining()) {
                break;
            }
        }
        return read;
    }

    /** Asks for {@link FramedChannel#onWritable} once more can be written. Any thread. */
    void wantWrite();

    /** Asks for {@link FramedChannel#onReadable} again, for what was left unread. Loop's thread. */
    void readLater();

    /** Whether {@link FramedChannel#onReadable} comes by itself while anything is unread. */
    default boolean tellsOfMore() {
        return false;
    }

    /** No more will be written; the peer reads the end after what was. */
    void finishWriting();

    /** Frees everything. Any thread, any number of times. */
    void close();

    /** Whether {@link #peek} shows bytes before they are read. */
    default boolean isMemory() {
        return false;
    }

    /**
     * What is there and lies in one piece, little-endian; valid until the next read or skip. The
     * peer can still change it: who must not be surprised reads it into memory of its own. Loop's
     * thread.
     */
    default ByteBuffer peek() throws IOException {
        return NOTHING;
    }

    /** Reads bytes that {@link #peek} has shown, to nowhere. Loop's thread. */
    default void skip(int bytes) throws IOException {
        throw new IOException("nothing was shown, so nothing can be skipped: " + bytes);
    }

    /** Frees memory; after {@link #close}, when no thread uses the transport any more. */
    default void freeMemory() {}
}

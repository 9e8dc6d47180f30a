package io.baton.kv.channel;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A non-blocking stream of bytes each way: what a {@link FramedChannel} needs from a socket. A
 * transport that encrypts can wrap another one here.
 */
public interface ByteTransport {
    /** Writes what can be written now; moves positions. Under the channel's lock. */
    long write(ByteBuffer[] buffers, int count) throws IOException;

    /** Reads what is there; 0 for nothing now, -1 for the end. On the loop's thread. */
    int read(ByteBuffer target) throws IOException;

    /** Asks for {@link FramedChannel#onWritable} once more can be written. Any thread. */
    void wantWrite();

    /** Asks for {@link FramedChannel#onReadable} again, for what was left unread. Loop's thread. */
    void readLater();

    /** No more will be written; the peer reads the end after what was. */
    void finishWriting();

    /** Frees everything. Any thread, any number of times. */
    void close();
}

package io.baton.kv.channel;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The reading end of a ring in shared memory. The loop's thread alone. */
final class ShmReader {
    private final MemorySegment control;
    private final ByteBuffer ring;
    private final int capacity;
    private long head;
    private boolean waiting;

    ShmReader(ShmLayout.Way way) {
        this.control = way.control();
        this.ring = way.ring().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        this.capacity = ring.capacity();
    }

    /** Bytes that lie there. */
    int available() throws IOException {
        long bytes = ShmWords.position(control, ShmLayout.TAIL) - head;
        if (bytes < 0 || bytes > capacity) {
            throw new IOException(
                    "the peer's writing position is %d bytes off in a ring of %d"
                            .formatted(bytes, capacity));
        }
        return (int) bytes;
    }

    /** What lies there in one piece, where it lies; valid until the next call. */
    ByteBuffer piece() throws IOException {
        int at = (int) (head & (capacity - 1));
        return ring.limit(at + Math.min(available(), capacity - at)).position(at);
    }

    /** Copies what is there and fits. */
    int read(ByteBuffer target) throws IOException {
        int bytes = Math.min(available(), target.remaining());
        int at = (int) (head & (capacity - 1));
        int first = Math.min(bytes, capacity - at);
        ring.clear();
        target.put(target.position(), ring, at, first);
        target.put(target.position() + first, ring, 0, bytes - first);
        target.position(target.position() + bytes);
        skip(bytes);
        return bytes;
    }

    /** Gives so many bytes' room back to the writer. */
    void skip(int bytes) {
        if (bytes > 0) {
            head += bytes;
            ShmWords.publish(control, ShmLayout.HEAD, head);
        }
    }

    /** Asks the writer for a sign with the next bytes; look at {@link #available} afterwards. */
    void askForBytes() {
        waiting = true;
        ShmWords.wait(control, ShmLayout.READER_WAITS);
    }

    /** Takes the wish of {@link #askForBytes} back. */
    void awake() {
        if (waiting) {
            waiting = false;
            ShmWords.awake(control, ShmLayout.READER_WAITS);
        }
    }

    /** Whether the writer waits for room and there is much again. */
    boolean mustWakeWriter() throws IOException {
        return available() <= capacity / 2 && ShmWords.isToBeWoken(control, ShmLayout.WRITER_WAITS);
    }
}

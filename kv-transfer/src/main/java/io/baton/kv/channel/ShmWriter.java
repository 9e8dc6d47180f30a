package io.baton.kv.channel;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** The writing end of a ring in shared memory. Under the channel's lock. */
final class ShmWriter {
    private final MemorySegment control;
    private final ByteBuffer ring;
    private final int capacity;
    private long tail;

    ShmWriter(ShmLayout.Way way) {
        this.control = way.control();
        this.ring = way.ring().asByteBuffer();
        this.capacity = ring.capacity();
    }

    /** Copies as much as there is room for and shows it to the reader at once. */
    long write(ByteBuffer[] buffers, int count) throws IOException {
        int room = room();
        long before = tail;
        for (int i = 0; i < count && room > 0; i++) {
            int bytes = Math.min(buffers[i].remaining(), room);
            put(buffers[i], bytes);
            room -= bytes;
        }
        if (tail != before) {
            ShmWords.publish(control, ShmLayout.TAIL, tail);
        }
        return tail - before;
    }

    private void put(ByteBuffer source, int bytes) {
        int at = (int) (tail & (capacity - 1));
        int first = Math.min(bytes, capacity - at);
        ring.put(at, source, source.position(), first);
        ring.put(0, source, source.position() + first, bytes - first);
        source.position(source.position() + bytes);
        tail += bytes;
    }

    /** Bytes that may be written now. */
    private int room() throws IOException {
        long used = tail - ShmWords.position(control, ShmLayout.HEAD);
        if (used < 0 || used > capacity) {
            throw new IOException(
                    "the peer's reading position is %d bytes off in a ring of %d"
                            .formatted(used, capacity));
        }
        return (int) (capacity - used);
    }

    /** Whether so much is free that writing pays again: half the ring. */
    boolean hasMuchRoom() throws IOException {
        return room() >= capacity / 2;
    }

    /** Asks the reader for a sign once much is free; look at {@link #hasMuchRoom} afterwards. */
    void askForRoom() {
        ShmWords.wait(control, ShmLayout.WRITER_WAITS);
    }

    /** Whether the reader sleeps and must be woken for what was written. */
    boolean mustWakeReader() {
        return ShmWords.isToBeWoken(control, ShmLayout.READER_WAITS);
    }
}

package io.baton.kv.channel;

import java.nio.ByteBuffer;

/** Bytes that wait to be written, in one fixed buffer. Under the channel's lock. */
final class OutputRing {
    private final ByteBuffer memory;
    private final ByteBuffer[] slices;
    private final int capacity;
    private int head;
    private int size;

    OutputRing(ByteBuffer memory) {
        this.memory = memory;
        this.capacity = memory.capacity();
        this.slices = new ByteBuffer[] {memory.duplicate(), memory.duplicate()};
    }

    int free() {
        return capacity - size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Takes all that remains in the buffers; the caller has looked at {@link #free()}. */
    void put(ByteBuffer[] sources, int count) {
        for (int i = 0; i < count; i++) {
            int tail = (int) (((long) head + size) % capacity);
            size += move(sources[i], tail);
        }
    }

    /** Takes all that remains in {@code source}, to be written before what is here. */
    void putFirst(ByteBuffer source) {
        int start = Math.floorMod(head - source.remaining(), capacity);
        size += move(source, start);
        head = start;
    }

    private int move(ByteBuffer source, int at) {
        int bytes = source.remaining();
        int first = Math.min(bytes, capacity - at);
        memory.put(at, source, source.position(), first);
        memory.put(0, source, source.position() + first, bytes - first);
        source.position(source.limit());
        return bytes;
    }

    /** Writes as much as the transport takes. */
    long drainTo(ByteTransport transport) throws java.io.IOException {
        int first = Math.min(size, capacity - head);
        slices[0].limit(head + first).position(head);
        slices[1].limit(size - first).position(0);
        long written = transport.write(slices, size > first ? 2 : 1);
        if (written > 0) {
            head = (int) ((head + written) % capacity);
            size -= (int) written;
        }
        return written;
    }
}

package io.baton.kv.channel;

import java.nio.ByteBuffer;

/** A bounded stream of bytes in memory, one way. Safe for one writer and one reader thread. */
final class BytePipe {
    private final ByteBuffer memory;
    private int head;
    private int size;
    private boolean ended;

    BytePipe(int capacityBytes) {
        memory = ByteBuffer.allocate(capacityBytes);
    }

    /** Takes what fits; -1 if the reader is gone. */
    synchronized long write(ByteBuffer[] buffers, int count) {
        if (ended) {
            return -1;
        }
        long taken = 0;
        for (int i = 0; i < count && size < memory.capacity(); i++) {
            taken += write(buffers[i]);
        }
        return taken;
    }

    private int write(ByteBuffer source) {
        int bytes = Math.min(source.remaining(), memory.capacity() - size);
        int tail = (head + size) % memory.capacity();
        int first = Math.min(bytes, memory.capacity() - tail);
        memory.put(tail, source, source.position(), first);
        memory.put(0, source, source.position() + first, bytes - first);
        source.position(source.position() + bytes);
        size += bytes;
        return bytes;
    }

    /** Gives what is there; -1 after the end. */
    synchronized int read(ByteBuffer target) {
        if (size == 0) {
            return ended ? -1 : 0;
        }
        int bytes = Math.min(size, target.remaining());
        int first = Math.min(bytes, memory.capacity() - head);
        target.put(memory.array(), head, first).put(memory.array(), 0, bytes - first);
        head = (head + bytes) % memory.capacity();
        size -= bytes;
        return bytes;
    }

    synchronized boolean hasRoom() {
        return ended || size < memory.capacity();
    }

    /** No more bytes; what is there can still be read. */
    synchronized void end() {
        ended = true;
    }

    /** No more bytes; what is there is lost, as with a reset socket. */
    synchronized void cut() {
        ended = true;
        size = 0;
    }
}

package io.baton.kv.channel.fetch;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Bytes that the peer shall take, in one fixed piece of memory. Position p lies at {@code p %
 * capacity} and stays until the peer has released it. Safe for any thread.
 */
public final class SendRing {
    private final MemorySegment memory;
    private final int capacity;
    private long written;
    private long released;
    private boolean closed;

    /**
     * An empty ring.
     *
     * @param memory all of it; whoever made it frees it, after {@link #close}
     */
    public SendRing(MemorySegment memory) {
        this.memory = memory;
        this.capacity = Math.toIntExact(memory.byteSize());
    }

    /** Bytes that it holds. */
    public int capacity() {
        return capacity;
    }

    /** All of it. */
    public MemorySegment memory() {
        return memory;
    }

    /** Takes what fits; -1 after close. */
    public synchronized long write(ByteBuffer[] buffers, int count) {
        if (closed) {
            return -1;
        }
        long before = written;
        for (int i = 0; i < count && free() > 0; i++) {
            while (buffers[i].hasRemaining() && free() > 0) {
                put(buffers[i]);
            }
        }
        return written - before;
    }

    private void put(ByteBuffer source) {
        int at = (int) (written % capacity);
        int bytes = Math.min(Math.min(source.remaining(), free()), capacity - at);
        ByteBuffer piece = source.duplicate().limit(source.position() + bytes);
        MemorySegment.copy(MemorySegment.ofBuffer(piece), 0, memory, at, bytes);
        source.position(source.position() + bytes);
        written += bytes;
    }

    private int free() {
        return capacity - (int) (written - released);
    }

    /** Whether writing makes sense: there is room, or an end to hear of. */
    public synchronized boolean hasRoom() {
        return closed || free() > 0;
    }

    /** Position after the last byte. */
    public synchronized long written() {
        return written;
    }

    /** Position before which the peer has taken all. */
    public synchronized long released() {
        return released;
    }

    /** The peer has taken what lies before {@code position}. */
    public synchronized void release(long position) {
        released = Math.max(released, position);
    }

    /** The bytes from a position on, up to another or the ring's end. */
    public MemorySegment piece(long from, long to) {
        return memory.asSlice(from % capacity, Math.min(to - from, contiguous(from)));
    }

    private int contiguous(long position) {
        return capacity - (int) (position % capacity);
    }

    /** Takes nothing more. */
    public synchronized void close() {
        closed = true;
    }
}

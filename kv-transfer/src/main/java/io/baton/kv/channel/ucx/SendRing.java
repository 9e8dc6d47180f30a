package io.baton.kv.channel.ucx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpMemMapParams;
import org.openucx.jucx.ucp.UcpMemory;
import org.openucx.jucx.ucs.UcsConstants;

/**
 * Bytes that the peer shall take, in one fixed piece of memory that it may read. Position p lies at
 * {@code p % capacity} and stays until the peer has released it. Written by any thread, the rest by
 * the loop's.
 */
final class SendRing {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final UcpMemory registration;
    private final int capacity;
    private long written;
    private long released;
    private boolean closed;

    /**
     * @throws UcxException if the memory cannot be registered
     */
    SendRing(UcpContext context, int capacity) {
        this.capacity = capacity;
        this.memory = arena.allocate(capacity, 64);
        this.registration =
                context.memoryMap(
                        new UcpMemMapParams()
                                .setAddress(memory.address())
                                .setLength(capacity)
                                .setMemoryType(UcsConstants.MEMORY_TYPE.UCS_MEMORY_TYPE_HOST));
    }

    int capacity() {
        return capacity;
    }

    long address() {
        return memory.address();
    }

    /** What the peer needs to read the memory. */
    ByteBuffer remoteKey() {
        return registration.getRemoteKeyBuffer();
    }

    /** Takes what fits; -1 after close. */
    synchronized long write(ByteBuffer[] buffers, int count) {
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

    synchronized boolean hasRoom() {
        return closed || free() > 0;
    }

    /** Position after the last byte. */
    synchronized long written() {
        return written;
    }

    synchronized long released() {
        return released;
    }

    /** The peer has taken what lies before {@code position}. */
    synchronized void release(long position) {
        released = Math.max(released, position);
    }

    /** Address of the byte at a position, and how many follow it without a wrap. */
    long addressOf(long position) {
        return memory.address() + position % capacity;
    }

    int contiguous(long position) {
        return capacity - (int) (position % capacity);
    }

    /** Takes nothing more; the memory stays until {@link #deregister}. */
    synchronized void close() {
        closed = true;
    }

    /** Frees the memory, once no endpoint uses it. */
    void deregister() {
        close();
        registration.deregister();
        arena.close();
    }
}

package io.baton.kv.channel.ucx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpMemMapParams;
import org.openucx.jucx.ucp.UcpMemory;
import org.openucx.jucx.ucs.UcsConstants;

/** Memory that UCX may read and write, and peers who have its key too. Any thread. */
final class RegisteredMemory implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final UcpMemory registration;

    /**
     * @throws UcxException if the memory cannot be registered
     */
    RegisteredMemory(UcpContext context, int bytes) {
        this.memory = arena.allocate(bytes, 64);
        this.registration =
                context.memoryMap(
                        new UcpMemMapParams()
                                .setAddress(memory.address())
                                .setLength(bytes)
                                .setMemoryType(UcsConstants.MEMORY_TYPE.UCS_MEMORY_TYPE_HOST));
    }

    MemorySegment memory() {
        return memory;
    }

    /** What the peer needs to read the memory. */
    ByteBuffer remoteKey() {
        return registration.getRemoteKeyBuffer();
    }

    /** Frees it, once no endpoint uses it. */
    @Override
    public void close() {
        registration.deregister();
        arena.close();
    }
}

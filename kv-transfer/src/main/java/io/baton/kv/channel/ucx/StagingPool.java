package io.baton.kv.channel.ucx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpMemMapParams;
import org.openucx.jucx.ucp.UcpMemory;
import org.openucx.jucx.ucs.UcsConstants;

/**
 * Registered memory into which fetched bytes go until a channel reads them: one pool per loop, so
 * that it does not grow with the channels. Channels that find it empty wait in line. Loop's thread.
 */
final class StagingPool implements Inbox.Slots {
    static final int SLOT_BYTES = 256 << 10;
    private static final int SLOTS = 16;

    private final UcpContext context;
    private final Arena arena = Arena.ofShared();
    private final ArrayDeque<MemorySegment> free = new ArrayDeque<>(SLOTS);
    // Bounded by the channels: each is in it once.
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private @Nullable UcpMemory registration;

    StagingPool(UcpContext context) {
        this.context = context;
    }

    @Override
    public @Nullable MemorySegment take() {
        if (registration == null) {
            MemorySegment all = arena.allocate((long) SLOTS * SLOT_BYTES, 64);
            registration =
                    context.memoryMap(
                            new UcpMemMapParams()
                                    .setAddress(all.address())
                                    .setLength(all.byteSize())
                                    .setMemoryType(UcsConstants.MEMORY_TYPE.UCS_MEMORY_TYPE_HOST));
            for (int i = 0; i < SLOTS; i++) {
                free.add(all.asSlice((long) i * SLOT_BYTES, SLOT_BYTES));
            }
        }
        return free.poll();
    }

    @Override
    public void await(Runnable task) {
        waiting.add(task);
    }

    @Override
    public void giveBack(MemorySegment slot) {
        free.push(slot);
        Runnable next = waiting.poll();
        if (next != null) {
            next.run();
        }
    }

    /** Frees all, once the worker is closed. */
    void close() {
        UcpMemory registered = registration;
        if (registered != null) {
            registered.deregister();
        }
        arena.close();
    }
}

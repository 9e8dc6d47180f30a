package io.baton.kv.channel.fetch;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Memory into which fetched bytes go until a channel reads them: one pool per loop, so that it does
 * not grow with the channels. Channels that find it empty wait in line. Loop's thread.
 */
public final class SlotPool implements Inbox.Slots {
    /** Bytes of a slot. */
    public static final int SLOT_BYTES = 256 << 10;

    /** Bytes of all slots together. */
    public static final int BYTES = 16 * SLOT_BYTES;

    private final Supplier<MemorySegment> memory;
    private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();
    // Bounded by the channels: each is in it once.
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private boolean made;

    /**
     * A pool.
     *
     * @param memory asked once, for {@link #BYTES}, when the first slot is needed
     */
    public SlotPool(Supplier<MemorySegment> memory) {
        this.memory = memory;
    }

    @Override
    public @Nullable MemorySegment take() {
        if (!made) {
            MemorySegment all = memory.get();
            for (int at = 0; at < BYTES; at += SLOT_BYTES) {
                free.add(all.asSlice(at, SLOT_BYTES));
            }
            made = true;
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
}

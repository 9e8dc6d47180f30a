package io.baton.kv.channel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** Words that two processes read and write. Safe for any thread. */
final class ShmWords {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private ShmWords() {}

    static long position(MemorySegment control, long at) {
        return (long) LONG.getAcquire(control, at);
    }

    /** What was written to the ring before is seen by whoever sees the position. */
    static void publish(MemorySegment control, long at, long position) {
        LONG.setRelease(control, at, position);
    }

    /** Says that one side is about to sleep; the look at the positions that follows comes later. */
    static void wait(MemorySegment control, long at) {
        INT.setVolatile(control, at, 1);
        VarHandle.fullFence();
    }

    /** Whether the other side sleeps and wants to be woken; it is awake again for the caller. */
    static boolean isToBeWoken(MemorySegment control, long at) {
        VarHandle.fullFence();
        return (int) INT.getVolatile(control, at) != 0 && (int) INT.getAndSet(control, at, 0) != 0;
    }

    static void awake(MemorySegment control, long at) {
        INT.setVolatile(control, at, 0);
    }
}

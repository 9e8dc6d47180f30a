package io.baton.prefiller;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Memory through which KV goes from the pool to a channel: one buffer per attempt, each as large as
 * one layer of two chunks, kept for the next. All in one arena. Safe for any thread.
 */
final class SendBuffers implements AutoCloseable {
    private static final int ALIGNMENT = 64;
    private static final long LAST_USER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final Arena arena = Arena.ofShared();
    private final ArrayDeque<MemorySegment> idle = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition unused = lock.newCondition();
    private final long partBytes;
    private int taken;

    /**
     * @param partBytes of one layer of one chunk
     */
    SendBuffers(long partBytes) {
        this.partBytes = partBytes;
    }

    /** A buffer for two parts; as many exist as attempts ran at a time. */
    MemorySegment take() {
        lock.lock();
        try {
            taken++;
            MemorySegment buffer = idle.poll();
            return buffer != null ? buffer : arena.allocate(2 * partBytes, ALIGNMENT);
        } finally {
            lock.unlock();
        }
    }

    void giveBack(MemorySegment buffer) {
        lock.lock();
        try {
            idle.push(buffer);
            taken--;
            unused.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Frees all, once the last user has given back; memory still in use after 2 s stays. */
    @Override
    public void close() {
        lock.lock();
        try {
            long left = LAST_USER_NANOS;
            while (taken > 0 && left > 0) {
                left = unused.awaitNanos(left);
            }
            if (taken == 0) {
                arena.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }
}

package io.baton.kernels.c;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The library's threads and weights. Safe for any thread; the pool ends when no call runs any more.
 */
final class NativePool implements AutoCloseable {
    private final Library library;
    private final MemorySegment pool;

    /** Calls hold it for reading, the end for writing. */
    private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();

    private final ReentrantLock packing = new ReentrantLock();
    private boolean closed;

    NativePool(Library library, MemorySegment pool) {
        this.library = library;
        this.pool = pool;
    }

    /**
     * A caller of the pool.
     *
     * @param share its part of the threads' time where several callers compute, relative to theirs
     */
    Lane lane(double share) {
        open.readLock().lock();
        try {
            checkOpen();
            MemorySegment lane = library.openLane(pool, share);
            if (lane.equals(MemorySegment.NULL)) {
                throw new BatonException(ErrorCode.OVERLOADED, "no memory for a queue of kernels");
            }
            return new Lane(lane);
        } finally {
            open.readLock().unlock();
        }
    }

    MemorySegment pack(int[] typeRowsCols, MemorySegment data) {
        open.readLock().lock();
        packing.lock();
        try {
            checkOpen();
            MemorySegment weight = library.pack(pool, typeRowsCols, data);
            if (weight.equals(MemorySegment.NULL)) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION,
                        "no memory for a weight of %d x %d (%d MiB in the file); choose a smaller model or --kv-pool"
                                .formatted(
                                        typeRowsCols[1], typeRowsCols[2], data.byteSize() >> 20));
            }
            return weight;
        } finally {
            packing.unlock();
            open.readLock().unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the kernels are closed");
        }
    }

    @Override
    public void close() {
        open.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                library.close(pool);
            }
        } finally {
            open.writeLock().unlock();
        }
    }

    /**
     * One caller: its place in the line for the threads, and its intermediate values. Used by one
     * thread at a time. May be closed after the pool.
     */
    final class Lane implements AutoCloseable {
        private final MemorySegment lane;
        private boolean ended;

        private Lane(MemorySegment lane) {
            this.lane = lane;
        }

        /** Waits for turns and runs the operations; returns when they are done. */
        void run(Operations operations) {
            open.readLock().lock();
            try {
                checkOpen();
                int status = library.run(lane, operations.memory(), operations.count());
                if (status != 0) {
                    throw new BatonException(
                            ErrorCode.OVERLOADED,
                            "no memory for a step's intermediate values (native status %d); lower --max-num-seqs or the prefill step"
                                    .formatted(status));
                }
            } finally {
                open.readLock().unlock();
            }
        }

        @Override
        public void close() {
            if (!ended) {
                ended = true;
                library.closeLane(lane);
            }
        }
    }
}

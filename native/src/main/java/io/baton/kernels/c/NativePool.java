package io.baton.kernels.c;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/** The library's threads and weights. One call at a time; callers wait in the order of arrival. */
final class NativePool implements AutoCloseable {
    private final Library library;
    private final MemorySegment pool;
    private final ReentrantLock turn = new ReentrantLock(true);
    private boolean closed;

    NativePool(Library library, MemorySegment pool) {
        this.library = library;
        this.pool = pool;
    }

    void run(Operations operations) {
        turn.lock();
        try {
            checkOpen();
            int status = library.run(pool, operations.memory(), operations.count());
            if (status != 0) {
                throw new BatonException(
                        ErrorCode.OVERLOADED,
                        "no memory for a step's intermediate values (native status %d); lower --max-num-seqs or the prefill step"
                                .formatted(status));
            }
        } finally {
            turn.unlock();
        }
    }

    MemorySegment pack(int[] typeRowsCols, MemorySegment data) {
        turn.lock();
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
            turn.unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the kernels are closed");
        }
    }

    @Override
    public void close() {
        turn.lock();
        try {
            if (!closed) {
                closed = true;
                library.close(pool);
            }
        } finally {
            turn.unlock();
        }
    }
}

package io.baton.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Memory of a provider: a host segment or a device pointer. Zeroed when allocated, 64-byte aligned.
 * Lives as long as its {@link Kernels}, or until closed.
 */
public interface Buffer extends AutoCloseable {
    long bytes();

    /** Copies {@code source} to {@code offset}; ordered after everything already submitted. */
    void write(long offset, MemorySegment source);

    /**
     * Copies from {@code offset} into {@code target}; ordered after everything already submitted.
     */
    void read(long offset, MemorySegment target);

    /**
     * The memory itself where the host can read it without a copy, empty where it cannot. What has
     * been awaited can be seen in it.
     */
    default Optional<MemorySegment> onHost() {
        return Optional.empty();
    }

    /** Sets {@code length} bytes from {@code offset} to zero. */
    void zero(long offset, long length);

    @Override
    void close();
}

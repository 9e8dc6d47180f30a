package io.baton.kernels;

import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A provider of kernels. Chosen once at start by {@code KernelsProviders}, with the reason printed.
 * Safe for any thread; queues are not. Several queues of one provider share its thread pool: one
 * submission runs at a time.
 */
public interface Kernels extends AutoCloseable {
    NumericProfile profile();

    /** Why this provider runs, for the start-up block: one line. */
    String reason();

    /**
     * Zeroed memory. Out of memory is a {@link io.baton.common.error.BatonException} that says need
     * and have.
     */
    Buffer allocate(long bytes);

    /**
     * Takes a weight. The provider may keep {@code data} (mapped; it must stay valid while the
     * provider lives) or repack it.
     *
     * @param rows output features; 1 for a vector
     * @param cols input features, the innermost dimension
     * @param data exactly {@code type.bytes(rows * cols)} bytes in GGUF's layout
     */
    Weight weight(TensorType type, int rows, int cols, MemorySegment data);

    KernelQueue newQueue();

    /**
     * Where this process' time in the kernels went so far; empty if the provider does not count.
     */
    default Optional<KernelTimes> times() {
        return Optional.empty();
    }

    @Override
    void close();
}

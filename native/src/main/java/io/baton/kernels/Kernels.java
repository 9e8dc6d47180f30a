package io.baton.kernels;

import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A provider of kernels. Chosen once at start by {@code KernelsProviders}, with the reason printed.
 * Safe for any thread; queues are not. Several queues of one provider share its threads: they take
 * turns, each with all threads.
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

    /**
     * A queue with a share of the threads' time where several queues want to compute at once; alone
     * it has all of it. The C kernels keep to the shares and cut long operations into turns; the
     * providers in plain Java give turns in the order of arrival, one operation each.
     *
     * @param share positive, relative to the other queues' shares
     */
    KernelQueue newQueue(double share);

    /** A queue with share 1. */
    default KernelQueue newQueue() {
        return newQueue(1);
    }

    /**
     * Where this process' time in the kernels went so far; empty if the provider does not count.
     */
    default Optional<KernelTimes> times() {
        return Optional.empty();
    }

    @Override
    void close();
}

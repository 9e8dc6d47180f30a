package io.baton.kernels.vector;

import io.baton.common.model.TensorType;
import io.baton.kernels.Activations;
import io.baton.kernels.Buffer;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.Kernels;
import io.baton.kernels.NumericProfile;
import io.baton.kernels.Weight;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.Shapes;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The Vector API's provider. Activations stay float32; sums run in one order per output, so results
 * depend on neither the batch, nor the threads, nor the machine and its vectors' width.
 */
public final class VectorKernels implements Kernels {
    private static final NumericProfile PROFILE =
            new NumericProfile("vector", "java", 1, Activations.BITS_13);

    private final String reason;
    private final WorkPool pool;
    private final VectorMatmul matmul = new VectorMatmul();
    private final Set<HostBuffer> memory = ConcurrentHashMap.newKeySet();

    private VectorKernels(int threads, String reason) {
        this.pool = new WorkPool(threads);
        this.reason = reason;
    }

    /**
     * Opens the provider; the module {@code jdk.incubator.vector} must be there.
     *
     * @param threads threads that compute, the caller's included
     * @param reason why this provider was chosen
     */
    public static Kernels open(int threads, String reason) {
        return new VectorKernels(threads, "%s; %s".formatted(reason, lanes()));
    }

    private static String lanes() {
        return "vectors of %d bits".formatted(32 * Lanes.COUNT);
    }

    @Override
    public NumericProfile profile() {
        return PROFILE;
    }

    @Override
    public String reason() {
        return reason;
    }

    @Override
    public Buffer allocate(long bytes) {
        return HostBuffer.allocate(bytes, memory);
    }

    @Override
    public Weight weight(TensorType type, int rows, int cols, MemorySegment data) {
        Shapes.weight(type, rows, cols, data);
        return VectorWeight.of(type, rows, cols, data, memory);
    }

    @Override
    public KernelQueue newQueue(double share) {
        Shapes.share(share);
        return new VectorQueue(pool, matmul);
    }

    @Override
    public void close() {
        pool.close();
        memory.forEach(HostBuffer::close);
    }
}

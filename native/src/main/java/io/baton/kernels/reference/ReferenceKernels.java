package io.baton.kernels.reference;

import io.baton.common.model.TensorType;
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
 * The reference provider. Every output is a float32 sum of one fixed order, so results depend on
 * neither the batch, nor the number of threads, nor the machine: Java's float arithmetic and {@link
 * StrictMath} are the same everywhere.
 */
public final class ReferenceKernels implements Kernels {
    private static final NumericProfile PROFILE = new NumericProfile("reference", "java", 1);

    private final String reason;
    private final WorkPool pool;
    private final Set<HostBuffer> memory = ConcurrentHashMap.newKeySet();

    /**
     * @param threads threads that compute, the caller's included
     * @param reason why this provider was chosen
     */
    public ReferenceKernels(int threads, String reason) {
        this.pool = new WorkPool(threads);
        this.reason = reason;
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
        return PanelWeight.of(type, rows, cols, data, memory);
    }

    @Override
    public KernelQueue newQueue(double share) {
        Shapes.share(share);
        return new ReferenceQueue(pool);
    }

    @Override
    public void close() {
        pool.close();
        memory.forEach(HostBuffer::close);
    }
}

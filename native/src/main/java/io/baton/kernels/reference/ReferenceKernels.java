package io.baton.kernels.reference;

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
 * The reference provider. Every output is a float32 sum of one fixed order, so results depend on
 * neither the batch, nor the number of threads, nor the machine: Java's float arithmetic and {@link
 * StrictMath} are the same everywhere. With activations in 13 bits nothing is rounded; in 8 bits
 * rows are rounded as the C kernels round them.
 */
public final class ReferenceKernels implements Kernels {
    private final NumericProfile profile;
    private final String reason;
    private final WorkPool pool;
    private final Set<HostBuffer> memory = ConcurrentHashMap.newKeySet();

    /** With activations in 13 bits, that is unrounded. */
    public ReferenceKernels(int threads, String reason) {
        this(threads, Activations.BITS_13, reason);
    }

    /**
     * @param threads threads that compute, the caller's included
     * @param activations what rows are rounded to
     * @param reason why this provider was chosen
     */
    public ReferenceKernels(int threads, Activations activations, String reason) {
        this.profile = new NumericProfile("reference", "java", 1, activations);
        this.pool = new WorkPool(threads);
        this.reason = reason;
    }

    @Override
    public NumericProfile profile() {
        return profile;
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
        boolean rounds = profile.activations() == Activations.BITS_8;
        return PanelWeight.of(new PanelWeight.Shape(type, rows, cols, rounds), data, memory);
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

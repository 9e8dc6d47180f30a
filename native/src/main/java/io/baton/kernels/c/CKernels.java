package io.baton.kernels.c;

import io.baton.common.model.TensorType;
import io.baton.kernels.Activations;
import io.baton.kernels.Buffer;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.KernelTimes;
import io.baton.kernels.Kernels;
import io.baton.kernels.NumericProfile;
import io.baton.kernels.Weight;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.Shapes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The C provider. Weights are repacked at load; rows are rounded to 13 or 8 bits (blocks of 32)
 * before a product with a quantised matrix. Results depend on the level and on those bits, never on
 * the batch or the threads.
 */
public final class CKernels implements Kernels {
    /** Raised whenever any result of the library may change. */
    private static final int VERSION = 3;

    private final Level level;
    private final NumericProfile profile;
    private final String reason;
    private final Library library;
    private final NativePool pool;
    private final RopeCopies ropes = new RopeCopies();
    private final Set<HostBuffer> memory = ConcurrentHashMap.newKeySet();

    private CKernels(
            Library library,
            MemorySegment pool,
            Level level,
            Activations activations,
            String reason) {
        this.library = library;
        this.pool = new NativePool(library, pool);
        this.level = level;
        this.profile = new NumericProfile("c", level.numerics(), VERSION, activations);
        this.reason = reason;
    }

    /**
     * Opens the library at the CPU's best level, with activations in 13 bits.
     *
     * @throws NativeUnavailable if it cannot run here
     */
    public static CKernels open(int threads, Level cap) throws NativeUnavailable {
        return open(threads, cap, Activations.BITS_13);
    }

    /**
     * Opens the library at the CPU's best level.
     *
     * @param threads threads that compute, the caller's included
     * @param cap the highest level to use
     * @param activations what rows are rounded to
     * @throws NativeUnavailable if it cannot run here
     */
    public static CKernels open(int threads, Level cap, Activations activations)
            throws NativeUnavailable {
        if (threads <= 0) {
            throw new IllegalArgumentException("at least one thread is needed, got " + threads);
        }
        Library library = Library.get();
        int best = library.bestLevel(Level.values().length - 1);
        Level level = Level.values()[library.bestLevel(cap.ordinal())];
        MemorySegment pool = library.open(threads, level.ordinal(), activations.ordinal());
        if (pool.equals(MemorySegment.NULL)) {
            throw new NativeUnavailable(
                    "the system refused %d threads; lower --threads".formatted(threads));
        }
        String why =
                best > level.ordinal()
                        ? "this CPU has more, BATON_KERNELS_LEVEL caps it"
                        : "the best that this CPU and build have";
        String rounding =
                switch (activations) {
                    case BITS_13 -> "";
                    case BITS_8 -> "; activations rounded to 8 bits";
                };
        return new CKernels(
                library,
                pool,
                level,
                activations,
                "%s: %s%s".formatted(level.label(), why, rounding));
    }

    /** The instructions that run. */
    public Level level() {
        return level;
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
        if (!data.isNative()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment copy = arena.allocate(data.byteSize(), 64).copyFrom(data);
                return weight(type, rows, cols, copy);
            }
        }
        MemorySegment packed = pool.pack(new int[] {type.id(), rows, cols}, data);
        return new PackedWeight(type, rows, cols, packed, library.weightBytes(packed));
    }

    @Override
    public KernelQueue newQueue(double share) {
        return new CQueue(pool.lane(Shapes.share(share)), ropes);
    }

    @Override
    public Optional<KernelTimes> times() {
        return Optional.of(Profile.read(library));
    }

    @Override
    public void close() {
        pool.close();
        ropes.close();
        memory.forEach(HostBuffer::close);
    }
}

package io.baton.kernels.host;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.Buffer;
import io.baton.kernels.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Set;

/**
 * Off-heap memory of this process. Reads and writes are plain copies: host queues finish their work
 * before {@code await} returns, so a copy made after it sees the results.
 */
public final class HostBuffer implements Buffer {
    private final Arena arena;
    private final MemorySegment segment;

    private final Set<HostBuffer> owner;

    private HostBuffer(Arena arena, MemorySegment segment, Set<HostBuffer> owner) {
        this.arena = arena;
        this.segment = segment;
        this.owner = owner;
    }

    /**
     * Zeroed memory; pages of a large buffer become resident as they are first written.
     *
     * @param owner holds the buffer until it is closed; a concurrent set
     * @throws BatonException if the system has not that much
     */
    public static HostBuffer allocate(long bytes, Set<HostBuffer> owner) {
        Arena arena = Arena.ofShared();
        try {
            // At least one byte, so that an empty tensor has an address.
            MemorySegment segment = SystemMemory.allocate(Math.max(bytes, 1), arena);
            HostBuffer buffer = new HostBuffer(arena, segment, owner);
            owner.add(buffer);
            return buffer;
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "%d MiB of memory are needed and the system has not that much; lower --kv-pool, --max-num-seqs or --max-model-len"
                            .formatted(bytes >> 20),
                    null,
                    e);
        }
    }

    /** The memory itself. */
    public MemorySegment segment() {
        return segment;
    }

    /** The memory of a host provider's buffer. */
    public static MemorySegment of(Buffer buffer) {
        if (buffer instanceof HostBuffer host) {
            return host.segment;
        }
        throw new IllegalArgumentException("the buffer belongs to another provider");
    }

    /** The memory of a tensor of a host provider. */
    public static MemorySegment of(Tensor tensor) {
        return of(tensor.buffer());
    }

    @Override
    public long bytes() {
        return segment.byteSize();
    }

    @Override
    public void write(long offset, MemorySegment source) {
        MemorySegment.copy(source, 0, segment, offset, source.byteSize());
    }

    @Override
    public void read(long offset, MemorySegment target) {
        MemorySegment.copy(segment, offset, target, 0, target.byteSize());
    }

    @Override
    public Optional<MemorySegment> onHost() {
        return Optional.of(segment);
    }

    @Override
    public void zero(long offset, long length) {
        segment.asSlice(offset, length).fill((byte) 0);
    }

    @Override
    public void close() {
        if (owner.remove(this)) {
            arena.close();
        }
    }
}

package io.baton.bench.transfer.child;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that messages come from or go to: a place of 64 MiB to a stream, kept. */
final class Pools {
    static final int MOST_STREAMS = 16;

    private final MemorySegment memory;
    private final long bytes = Load.Shape.MESSAGE.bytes();

    Pools(int streams) {
        memory = Arena.global().allocate(streams * bytes, 4096);
        // Touched, so that no measurement pays for the first use of a page.
        memory.fill((byte) 1);
    }

    MemorySegment of(int stream) {
        return memory.asSlice(stream * bytes, bytes);
    }
}

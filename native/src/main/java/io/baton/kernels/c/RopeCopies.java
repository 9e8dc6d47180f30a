package io.baton.kernels.c;

import io.baton.common.model.RopeTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Native copies of rotation tables: one per table that was ever used, which is one per model and
 * kind of layer. Safe for any thread.
 */
final class RopeCopies implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final Map<RopeTable, Copy> copies = new ConcurrentHashMap<>();

    record Copy(MemorySegment cos, MemorySegment sin) {}

    Copy of(RopeTable table) {
        return copies.computeIfAbsent(table, t -> new Copy(copy(t.cos()), copy(t.sin())));
    }

    private MemorySegment copy(float[] values) {
        return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    @Override
    public void close() {
        arena.close();
    }
}

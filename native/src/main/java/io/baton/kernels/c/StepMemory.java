package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.baton.kernels.Batch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The integers of a step in native memory: the batch's tokens, positions, spans and block tables,
 * and behind them the row lists of gathers. Grows to the largest step; one owner.
 */
final class StepMemory implements AutoCloseable {
    private static final int SPAN_INTS = 4;
    private static final int FIRST_INTS = 4096;

    private Arena arena = Arena.ofShared();
    private MemorySegment ints = arena.allocate(JAVA_INT, FIRST_INTS);
    private int used;
    private int batchInts;
    private int positionsAt;
    private int spansAt;
    private int blocksAt;

    /** Takes a batch; nothing of the one before may be in use. */
    void take(Batch batch) {
        int rows = batch.rows();
        int blocks = 0;
        for (Batch.Span span : batch.spans()) {
            blocks = Math.addExact(blocks, span.blocks().length);
        }
        used = 0;
        int need = Math.addExact(Math.addExact(2 * rows, SPAN_INTS * batch.spans().length), blocks);
        reserve(need);
        positionsAt = rows;
        spansAt = 2 * rows;
        blocksAt = spansAt + SPAN_INTS * batch.spans().length;
        put(0, batch.tokens());
        int block = 0;
        for (int i = 0; i < batch.spans().length; i++) {
            Batch.Span span = batch.spans()[i];
            for (int r = 0; r < span.rows(); r++) {
                put(positionsAt + span.firstRow() + r, span.firstPosition() + r);
            }
            put(spansAt + SPAN_INTS * i, span.firstRow(), span.rows(), span.firstPosition(), block);
            put(blocksAt + block, span.blocks());
            block += span.blocks().length;
        }
        used = need;
        batchInts = need;
    }

    /** Whether {@code count} more integers fit without moving what is there. */
    boolean fits(int count) {
        return count <= ints.byteSize() / 4 - used;
    }

    /** Makes room for {@code count} more; nothing may be in use. */
    void grow(int count) {
        MemorySegment old = ints;
        Arena oldArena = arena;
        used = batchInts;
        long total = Math.max(2 * (old.byteSize() / 4), (long) used + count);
        arena = Arena.ofShared();
        ints = arena.allocate(JAVA_INT, total);
        MemorySegment.copy(old, 0, ints, 0, 4L * used);
        oldArena.close();
    }

    /** Copies a list that stays until {@link #forgetLists}. */
    MemorySegment list(int[] values) {
        put(used, values);
        MemorySegment copy = ints.asSlice(4L * used, 4L * values.length);
        used += values.length;
        return copy;
    }

    void forgetLists() {
        used = batchInts;
    }

    MemorySegment tokens() {
        return ints;
    }

    MemorySegment positions() {
        return ints.asSlice(4L * positionsAt);
    }

    MemorySegment spans() {
        return ints.asSlice(4L * spansAt);
    }

    MemorySegment blocks() {
        return ints.asSlice(4L * blocksAt);
    }

    private void reserve(int count) {
        if (!fits(count)) {
            batchInts = 0;
            grow(count);
        }
    }

    private void put(int at, int... values) {
        MemorySegment.copy(values, 0, ints, JAVA_INT, 4L * at, values.length);
    }

    @Override
    public void close() {
        arena.close();
    }
}

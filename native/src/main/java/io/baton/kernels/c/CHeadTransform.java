package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.baton.kernels.transform.HeadTransform;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/** Transforms of heads in C, with the bits of plain Java on every level. Memory must be native. */
public final class CHeadTransform implements HeadTransform {
    /** Fields of {@code baton_head}, 8 bytes each. */
    private static final int FIELDS = 23;

    /** What a call is told, a thread's own: a call every few microseconds allocates nothing. */
    private final ThreadLocal<MemorySegment> calls =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(8L * FIELDS, 8));

    private final Library library;
    private final Level level;

    private CHeadTransform(Library library, Level level) {
        this.library = library;
        this.level = level;
    }

    /**
     * The transforms of the loaded library.
     *
     * @param cap the highest level to use
     * @throws NativeUnavailable if there is no library for this machine
     */
    public static CHeadTransform open(Level cap) throws NativeUnavailable {
        Library library = Library.get();
        return new CHeadTransform(library, Level.values()[library.bestLevel(cap.ordinal())]);
    }

    @Override
    public int forward(Head head, Turn turn, Rows rows, int skipped, Symbols symbols) {
        if (skipped < 0 || skipped > BLOCK_TOKENS) {
            throw new IllegalArgumentException("%d tokens cannot be skipped".formatted(skipped));
        }
        try {
            return library.headForward(call(head, turn, rows, skipped, symbols));
        } finally {
            keep(head, turn, rows, symbols);
        }
    }

    @Override
    public int inverse(Head head, Turn turn, Symbols symbols, Rows rows) {
        try {
            return library.headInverse(call(head, turn, rows, 0, symbols));
        } finally {
            keep(head, turn, rows, symbols);
        }
    }

    /** The call has addresses alone: the memory must not be freed before it returns. */
    private static void keep(Head head, Turn turn, Rows rows, Symbols symbols) {
        Reference.reachabilityFence(head.matrices());
        Reference.reachabilityFence(turn);
        Reference.reachabilityFence(rows);
        Reference.reachabilityFence(symbols);
    }

    private MemorySegment call(Head head, Turn turn, Rows rows, int skipped, Symbols symbols) {
        check(head, turn, rows, symbols);
        Fields to = new Fields(calls.get());
        to.put(level.ordinal());
        to.put(head.headDim());
        to.put(head.kept());
        to.putDouble(head.step());
        to.put(head.matrices().forward());
        to.put(head.matrices().offset());
        to.put(head.matrices().inverse());
        to.put(head.matrices().mean());
        to.put(turn.rotated());
        to.put(turn.interleaved() ? 1 : 0);
        to.put(turn.cos());
        to.put(turn.sin());
        to.put(rows.memory());
        to.put(rows.strideBytes());
        to.put(rows.blocks());
        to.put(rows.half() ? 1 : 0);
        to.put(skipped);
        to.put(symbols.memory());
        to.put(symbols.columns());
        to.put(symbols.rowOf());
        to.put(symbols.bounds());
        to.put(symbols.escapes());
        to.put(symbols.escapes().byteSize() / Short.BYTES);
        return to.memory;
    }

    /** C checks no bounds of its own memory. */
    private static void check(Head head, Turn turn, Rows rows, Symbols symbols) {
        int dim = head.headDim();
        if (dim < 1
                || dim > MAX_HEAD_DIM
                || head.kept() < 0
                || head.kept() > dim
                || turn.rotated() > dim
                || rows.blocks() * BLOCK_TOKENS > symbols.columns()) {
            throw new IllegalArgumentException(
                    "%d of %d coefficients, %d rotated, %d blocks in rows of %d"
                            .formatted(
                                    head.kept(),
                                    dim,
                                    turn.rotated(),
                                    rows.blocks(),
                                    symbols.columns()));
        }
        room(head.matrices().forward(), 4L * dim * dim);
        room(head.matrices().inverse(), 4L * dim * dim);
        room(head.matrices().offset(), 4L * dim);
        room(head.matrices().mean(), 4L * dim);
        room(turn.cos(), 2L * turn.rotated() * BLOCK_TOKENS * rows.blocks());
        room(turn.sin(), 2L * turn.rotated() * BLOCK_TOKENS * rows.blocks());
        long last = (rows.blocks() - 1) * rows.strideBytes();
        room(rows.memory(), last + 2L * BLOCK_TOKENS * dim);
        room(symbols.rowOf(), 4L * head.kept());
        room(symbols.bounds(), head.kept());
    }

    private static void room(MemorySegment memory, long bytes) {
        if (memory.byteSize() < bytes) {
            throw new IndexOutOfBoundsException(
                    "%d bytes of memory for %d".formatted(memory.byteSize(), bytes));
        }
    }

    /** Writes fields one after the other. */
    private static final class Fields {
        private final MemorySegment memory;
        private long at;

        Fields(MemorySegment memory) {
            this.memory = memory;
        }

        void put(long value) {
            memory.set(JAVA_LONG, at, value);
            at += 8;
        }

        void putDouble(double value) {
            memory.set(JAVA_DOUBLE, at, value);
            at += 8;
        }

        void put(MemorySegment value) {
            memory.set(ADDRESS, at, value);
            at += 8;
        }
    }
}

package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A list of {@code baton_op} records in native memory. The last one added is the one that the
 * setters fill.
 *
 * <pre>
 *  0 kind   4 rows   8 cols   12 count   16 number[2]   24 n[6]   48 p[10]   128
 * </pre>
 */
final class Operations {
    /** Operations of one list; a longer step takes several calls. */
    static final int CAPACITY = 1024;

    /** Projections of one matmul record. */
    static final int PROJECTIONS = 4;

    private static final int BYTES = 128;
    private static final int NUMBERS = 16;
    private static final int INTEGERS = 24;
    private static final int POINTERS = 48;

    private final MemorySegment memory;
    private int count;

    Operations(Arena arena) {
        this.memory = arena.allocate((long) CAPACITY * BYTES, 64);
    }

    /** The kinds of {@code baton.h}, from 1. */
    enum Kind {
        EMBED,
        NORM,
        MATMUL,
        ADD,
        ROPE,
        STORE,
        ATTENTION,
        GATED,
        GATHER,
        BIAS,
        SOFTCAP
    }

    boolean full() {
        return count == CAPACITY;
    }

    int count() {
        return count;
    }

    MemorySegment memory() {
        return memory;
    }

    void clear() {
        count = 0;
    }

    void add(Kind kind, int rows, int cols, int repeat) {
        if (full()) {
            throw new IllegalStateException("the list is full and must run first");
        }
        long at = (long) count * BYTES;
        memory.asSlice(at, BYTES).fill((byte) 0);
        memory.set(JAVA_INT, at, kind.ordinal() + 1);
        memory.set(JAVA_INT, at + 4, rows);
        memory.set(JAVA_INT, at + 8, cols);
        memory.set(JAVA_INT, at + 12, repeat);
        count++;
    }

    void numbers(float... values) {
        for (int i = 0; i < values.length; i++) {
            memory.set(JAVA_FLOAT, last() + NUMBERS + 4L * i, values[i]);
        }
    }

    void integers(int... values) {
        for (int i = 0; i < values.length; i++) {
            memory.set(JAVA_INT, last() + INTEGERS + 4L * i, values[i]);
        }
    }

    void pointer(int index, MemorySegment target) {
        if (!target.scope().isAlive()) {
            throw new IllegalStateException("the buffer is closed");
        }
        memory.set(JAVA_LONG, last() + POINTERS + 8L * index, target.address());
    }

    void pointers(MemorySegment... targets) {
        for (int i = 0; i < targets.length; i++) {
            pointer(i, targets[i]);
        }
    }

    private long last() {
        return (long) (count - 1) * BYTES;
    }
}

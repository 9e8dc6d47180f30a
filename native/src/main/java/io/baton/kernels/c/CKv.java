package io.baton.kernels.c;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.KvKernels;
import io.baton.kernels.kv.LayerShape;
import java.lang.foreign.MemorySegment;

/**
 * The kernels in C: with AVX2 where the CPU has it, else as the compiler likes. The bytes are those
 * of plain Java.
 */
public final class CKv implements KvKernels {
    private final KvFunctions library;
    private final int wide;

    private CKv(KvFunctions library, boolean wide) {
        this.library = library;
        this.wide = wide ? 1 : 0;
    }

    /**
     * The kernels of the loaded library.
     *
     * @param cap the highest level to use
     * @throws NativeUnavailable if there is no library for this machine
     */
    public static CKv open(Level cap) throws NativeUnavailable {
        return new CKv(Library.get().kv(), cap != Level.PORTABLE);
    }

    @Override
    public void split(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment work) {
        room(raw, 2L * layer.values());
        room(exponents, layer.values());
        room(low, layer.values());
        library.split(plan(layer, work), raw, exponents, low, wide);
    }

    @Override
    public void merge(
            LayerShape layer,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment raw,
            MemorySegment work) {
        room(raw, 2L * layer.values());
        room(exponents, layer.values());
        room(low, layer.values());
        library.merge(plan(layer, work), exponents, low, raw, wide);
    }

    @Override
    public void count(RansCoder.Rows rows, MemorySegment symbols, MemorySegment counts) {
        room(symbols, rows.symbols());
        room(counts, 1024L * rows.tables());
        library.count(rows, symbols, counts);
    }

    @Override
    public void sums(int rows, int columns, MemorySegment symbols, MemorySegment sums) {
        room(symbols, (long) rows * columns);
        room(sums, 4L * rows);
        library.sums(rows, columns, symbols, sums, wide);
    }

    @Override
    public boolean quantise(AnchorPlan plan, MemorySegment raw, Coded coded, MemorySegment work) {
        room(raw, 2L * plan.layer().values());
        return library.quantise(plan(plan, coded, work), raw, coded, floats(work), wide);
    }

    @Override
    public void dequantise(AnchorPlan plan, Coded coded, MemorySegment raw, MemorySegment work) {
        room(raw, 2L * plan.layer().values());
        library.dequantise(plan(plan, coded, work), coded, raw, floats(work), wide);
    }

    @Override
    public boolean toBytes(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment work) {
        room(raw, 2L * layer.values());
        room(scales, 2L * KvKernels.scales(layer));
        room(symbols, layer.values());
        return library.toBytes(plan(layer, work), raw, scales, symbols, floats(work), wide);
    }

    @Override
    public boolean fromBytes(
            LayerShape layer,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment raw,
            MemorySegment work) {
        room(raw, 2L * layer.values());
        room(scales, 2L * KvKernels.scales(layer));
        room(symbols, layer.values());
        return library.fromBytes(plan(layer, work), scales, symbols, raw, floats(work), wide);
    }

    private static MemorySegment plan(LayerShape layer, MemorySegment work) {
        room(work, KvKernels.workBytes(layer));
        AnchorPlan.write(layer, work);
        return work;
    }

    private static MemorySegment plan(AnchorPlan plan, Coded coded, MemorySegment work) {
        room(work, plan.workBytes());
        coded.requireRoom(plan);
        plan.write(work);
        return work;
    }

    private static MemorySegment floats(MemorySegment work) {
        return work.asSlice(AnchorPlan.FIELD_BYTES);
    }

    /** C checks no bounds of its own memory. */
    private static void room(MemorySegment memory, long bytes) {
        if (memory.byteSize() < bytes) {
            throw new IndexOutOfBoundsException(
                    "%d bytes of memory for %d".formatted(memory.byteSize(), bytes));
        }
    }
}

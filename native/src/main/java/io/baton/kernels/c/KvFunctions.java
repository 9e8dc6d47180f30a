package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.KvKernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** The functions of {@code kv.h}. */
final class KvFunctions {
    private final MethodHandle split;
    private final MethodHandle merge;
    private final MethodHandle count;
    private final MethodHandle sums;
    private final MethodHandle quantise;
    private final MethodHandle dequantise;
    private final MethodHandle toBytes;
    private final MethodHandle fromBytes;

    KvFunctions(SymbolLookup symbols) throws NativeUnavailable {
        split =
                Library.action(
                        symbols, "baton_kv_split", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT);
        merge =
                Library.action(
                        symbols, "baton_kv_merge", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT);
        count =
                Library.action(
                        symbols, "baton_kv_count", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
        sums =
                Library.action(
                        symbols, "baton_kv_sums", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
        quantise =
                Library.function(
                        symbols,
                        "baton_kv_quantise",
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT);
        dequantise =
                Library.action(
                        symbols,
                        "baton_kv_dequantise",
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT);
        toBytes = bytes(symbols, "baton_kv_to_int8");
        fromBytes = bytes(symbols, "baton_kv_from_int8");
    }

    private static MethodHandle bytes(SymbolLookup symbols, String name) throws NativeUnavailable {
        return Library.function(
                symbols, name, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT);
    }

    void split(
            MemorySegment plan,
            MemorySegment raw,
            MemorySegment exponents,
            MemorySegment low,
            int wide) {
        Library.call(split, plan, raw, exponents, low, wide);
    }

    void merge(
            MemorySegment plan,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment raw,
            int wide) {
        Library.call(merge, plan, exponents, low, raw, wide);
    }

    void count(RansCoder.Rows rows, MemorySegment symbols, MemorySegment counts) {
        Library.call(count, rows.rows(), rows.columns(), rows.tableOf(), symbols, counts);
    }

    void sums(int rows, int columns, MemorySegment symbols, MemorySegment sums, int wide) {
        Library.call(this.sums, rows, columns, symbols, sums, wide);
    }

    boolean quantise(
            MemorySegment plan,
            MemorySegment raw,
            KvKernels.Coded coded,
            MemorySegment work,
            int wide) {
        int done =
                (int)
                        Library.call(
                                quantise,
                                plan,
                                raw,
                                coded.side(),
                                coded.symbols(),
                                coded.low(),
                                work,
                                wide);
        return done != 0;
    }

    void dequantise(
            MemorySegment plan,
            KvKernels.Coded coded,
            MemorySegment raw,
            MemorySegment work,
            int wide) {
        Library.call(dequantise, plan, coded.side(), coded.symbols(), coded.low(), raw, work, wide);
    }

    boolean toBytes(
            MemorySegment plan,
            MemorySegment raw,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment work,
            int wide) {
        return (int) Library.call(toBytes, plan, raw, scales, symbols, work, wide) != 0;
    }

    boolean fromBytes(
            MemorySegment plan,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment raw,
            MemorySegment work,
            int wide) {
        return (int) Library.call(fromBytes, plan, scales, symbols, raw, work, wide) != 0;
    }
}

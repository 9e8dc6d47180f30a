package io.baton.kernels.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;

/**
 * Zeroed memory of the C library. Unlike an arena's own, which the JDK fills with zeros at once, a
 * large piece takes physical pages only as they are first written: a KV pool costs what is used.
 */
final class SystemMemory {
    private static final int ALIGNMENT = 64;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle CALLOC =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("calloc"),
                    FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle FREE =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ADDRESS));

    private SystemMemory() {}

    /**
     * Memory until the arena closes, aligned to a cache line.
     *
     * @throws OutOfMemoryError if the machine (or its container) has not that much in all
     */
    static MemorySegment allocate(long bytes, Arena arena) {
        long whole = Math.addExact(bytes, ALIGNMENT - 1);
        if (whole > limit()) {
            throw new OutOfMemoryError("more than all memory of this machine");
        }
        MemorySegment piece;
        try {
            piece = (MemorySegment) CALLOC.invokeExact(1L, whole);
        } catch (Throwable e) {
            throw new IllegalStateException("calloc cannot be called", e);
        }
        if (piece.address() == 0) {
            throw new OutOfMemoryError("the system refused");
        }
        long skip = -piece.address() & (ALIGNMENT - 1);
        return piece.reinterpret(whole, arena, SystemMemory::free).asSlice(skip, bytes);
    }

    private static void free(MemorySegment piece) {
        try {
            FREE.invokeExact(piece);
        } catch (Throwable e) {
            throw new IllegalStateException("free cannot be called", e);
        }
    }

    private static long limit() {
        return ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : Long.MAX_VALUE;
    }
}

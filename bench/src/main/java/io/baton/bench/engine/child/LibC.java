package io.baton.bench.engine.child;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The C library's functions that measurements need; Linux. */
final class LibC {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final int CLOCK_PROCESS_CPUTIME_ID = 2;
    private static final int MADV_HUGEPAGE = 14;

    private static final MethodHandle CLOCK =
            handle("clock_gettime", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle MADVISE =
            handle("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle ALIGNED =
            handle(
                    "posix_memalign",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MEMCHR =
            handle("memchr", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG));

    private LibC() {}

    /** CPU time of this process, all its threads, in nanoseconds. */
    static long cpuNanos() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            int status = (int) CLOCK.invokeExact(CLOCK_PROCESS_CPUTIME_ID, time);
            if (status != 0) {
                throw new IllegalStateException("the system has no clock of a process' CPU time");
            }
            return time.get(JAVA_LONG, 0) * 1_000_000_000L + time.get(JAVA_LONG, 8);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call throws nothing", e);
        }
    }

    /** Memory that nobody has touched yet, in large pages where the system gives them; kept. */
    static MemorySegment largePages(long bytes, long alignment) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment place = arena.allocate(ADDRESS);
            int status = (int) ALIGNED.invokeExact(place, alignment, bytes);
            if (status != 0) {
                throw new IllegalStateException("no %d bytes of memory".formatted(bytes));
            }
            MemorySegment memory = place.get(ADDRESS, 0).reinterpret(bytes);
            // A hint: the answer is seen in what the system accounts.
            int ignored = (int) MADVISE.invokeExact(memory, bytes, MADV_HUGEPAGE);
            return memory;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call throws nothing", e);
        }
    }

    /** Reads all of the memory in search of a byte; whether it was found. */
    static boolean contains(MemorySegment memory, int value) {
        try {
            MemorySegment at = (MemorySegment) MEMCHR.invokeExact(memory, value, memory.byteSize());
            return !at.equals(MemorySegment.NULL);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call throws nothing", e);
        }
    }

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), descriptor);
    }
}

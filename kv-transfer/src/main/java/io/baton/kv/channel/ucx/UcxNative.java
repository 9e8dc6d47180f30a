package io.baton.kv.channel.ucx;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The few calls that jucx lacks: waiting for a worker's events with a limit, which needs the
 * worker's file descriptor, and the library's version. Loading this class needs the library.
 */
final class UcxNative {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup UCP =
            SymbolLookup.libraryLookup(UcxLibrary.LIBRARY, Arena.global());
    private static final MethodHandle VERSION =
            call(
                    UCP,
                    "ucp_get_version",
                    FunctionDescriptor.ofVoid(
                            ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle GET_EFD =
            call(
                    UCP,
                    "ucp_worker_get_efd",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_BYTE, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
    private static final MethodHandle ARM =
            call(
                    UCP,
                    "ucp_worker_arm",
                    FunctionDescriptor.of(ValueLayout.JAVA_BYTE, ValueLayout.JAVA_LONG));
    private static final MethodHandle POLL =
            call(
                    LINKER.defaultLookup(),
                    "poll",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT,
                            ValueLayout.ADDRESS,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT));
    private static final MethodHandle SETENV =
            call(
                    LINKER.defaultLookup(),
                    "setenv",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT,
                            ValueLayout.ADDRESS,
                            ValueLayout.ADDRESS,
                            ValueLayout.JAVA_INT));
    private static final short POLLIN = 1;
    private static final long POLLFD_BYTES = 8;

    private UcxNative() {}

    /** A release of UCX. */
    record Version(int major, int minor, int patch) {
        @Override
        public String toString() {
            return major + "." + minor + "." + patch;
        }
    }

    private static MethodHandle call(SymbolLookup library, String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(library.findOrThrow(name), type);
    }

    /**
     * A setting of UCX for who has not set it. Some are read from the environment alone.
     *
     * @param name with the prefix UCX_
     */
    static void setDefault(String name, String value) {
        try (Arena arena = Arena.ofConfined()) {
            int result =
                    (int)
                            SETENV.invokeExact(
                                    arena.allocateFrom(name), arena.allocateFrom(value), 0);
            if (result != 0) {
                throw new IllegalStateException("setenv " + name + " failed");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("setenv cannot be called", e);
        }
    }

    static Version version() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parts = arena.allocate(ValueLayout.JAVA_INT, 3);
            VERSION.invokeExact(parts, parts.asSlice(4), parts.asSlice(8));
            return new Version(
                    parts.getAtIndex(ValueLayout.JAVA_INT, 0),
                    parts.getAtIndex(ValueLayout.JAVA_INT, 1),
                    parts.getAtIndex(ValueLayout.JAVA_INT, 2));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The descriptor that is readable when the armed worker has events; -1 if it has none. */
    static int eventDescriptor(long worker) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment descriptor = arena.allocate(ValueLayout.JAVA_INT);
            byte status = (byte) GET_EFD.invokeExact(worker, descriptor);
            return status == 0 ? descriptor.get(ValueLayout.JAVA_INT, 0) : -1;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Whether the next event will show at the descriptor; false if events wait already. */
    static boolean arm(long worker) {
        try {
            return (byte) ARM.invokeExact(worker) == 0;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** A {@code struct pollfd} for {@link #await}. */
    static MemorySegment pollDescriptor(Arena arena, int descriptor) {
        MemorySegment poll = arena.allocate(POLLFD_BYTES, 4);
        poll.set(ValueLayout.JAVA_INT, 0, descriptor);
        poll.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
        return poll;
    }

    /** Waits until the descriptor is readable or the time is over; early where signals come. */
    static void await(MemorySegment poll, int millis) {
        try {
            int ready = (int) POLL.invokeExact(poll, 1L, millis);
            if (ready < 0) {
                // Interrupted by a signal: the loop looks and waits again.
                return;
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static IllegalStateException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("a call of UCX failed", e);
    }
}

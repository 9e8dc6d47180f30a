package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.baton.kernels.entropy.RansCoder;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The loaded library and its functions ({@code baton.h}). Loaded once in a process and never
 * unloaded; safe for any thread, within the rules that the header states.
 */
final class Library {
    /** Must equal {@code BATON_ABI} of the header. */
    private static final int ABI = 8;

    private static final String FILE = "libbaton_kernels.so";

    private static final Linker LINKER = Linker.nativeLinker();

    /** A library to load instead of the one in the jar: one that was built elsewhere. */
    private static final String FILE_PROPERTY = "baton.kernels.library";

    private static final Object LOAD = new Object();

    @SuppressWarnings("NullAway.Init") // set under LOAD, and returned only when it is set
    private static Library loaded;

    private final MethodHandle bestLevel;
    private final MethodHandle open;
    private final MethodHandle close;
    private final MethodHandle pack;
    private final MethodHandle weightBytes;
    private final MethodHandle openLane;
    private final MethodHandle closeLane;
    private final MethodHandle run;
    private final MethodHandle profile;
    private final MethodHandle ransDivisors;
    private final MethodHandle ransSlots;
    private final MethodHandle ransEncode;
    private final MethodHandle ransDecode;
    private final MethodHandle headForward;
    private final MethodHandle headInverse;
    private final KvFunctions kv;

    private Library(SymbolLookup symbols) throws NativeUnavailable {
        MethodHandle abi = function(symbols, "baton_abi", JAVA_INT);
        int version = (int) call(abi);
        if (version != ABI) {
            throw new NativeUnavailable(
                    "the native kernels have interface %d and this program needs %d; build again with mvn package"
                            .formatted(version, ABI));
        }
        bestLevel = function(symbols, "baton_best_level", JAVA_INT, JAVA_INT);
        open = function(symbols, "baton_pool_open", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
        close = action(symbols, "baton_pool_close", ADDRESS);
        pack =
                function(
                        symbols,
                        "baton_weight_pack",
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT,
                        JAVA_INT,
                        JAVA_INT,
                        ADDRESS);
        weightBytes = function(symbols, "baton_weight_bytes", JAVA_LONG, ADDRESS);
        openLane = function(symbols, "baton_lane_open", ADDRESS, ADDRESS, JAVA_DOUBLE);
        closeLane = action(symbols, "baton_lane_close", ADDRESS);
        run = function(symbols, "baton_run", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
        profile = action(symbols, "baton_profile", ADDRESS);
        ransDivisors =
                function(symbols, "baton_rans_divisors", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        ransSlots = function(symbols, "baton_rans_slots", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
        ransEncode =
                function(
                        symbols,
                        "baton_rans_encode",
                        JAVA_LONG,
                        JAVA_INT,
                        JAVA_INT,
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_LONG,
                        JAVA_INT);
        ransDecode =
                function(
                        symbols,
                        "baton_rans_decode",
                        JAVA_INT,
                        JAVA_INT,
                        JAVA_INT,
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_LONG,
                        ADDRESS,
                        JAVA_INT);
        headForward = function(symbols, "baton_head_forward", JAVA_INT, ADDRESS);
        headInverse = function(symbols, "baton_head_inverse", JAVA_INT, ADDRESS);
        kv = new KvFunctions(symbols);
    }

    /** What codecs do with every value. */
    KvFunctions kv() {
        return kv;
    }

    /** The library, loaded at the first call. */
    static Library get() throws NativeUnavailable {
        synchronized (LOAD) {
            if (loaded == null) {
                loaded = load();
            }
            return loaded;
        }
    }

    private static Library load() throws NativeUnavailable {
        String file = System.getProperty(FILE_PROPERTY, "");
        if (!file.isEmpty()) {
            try {
                return new Library(SymbolLookup.libraryLookup(Path.of(file), Arena.global()));
            } catch (IllegalArgumentException e) {
                throw new NativeUnavailable(
                        "%s names %s, which could not be loaded".formatted(FILE_PROPERTY, file), e);
            }
        }
        String machine =
                switch (System.getProperty("os.arch", "")) {
                    case "amd64", "x86_64" -> "x86_64";
                    case "aarch64" -> "aarch64";
                    default -> "unknown";
                };
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String resource = "/native/" + system + "-" + machine + "/" + FILE;
        try (InputStream in = Library.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new NativeUnavailable(
                        "this build has no native kernels for %s on %s; build it there with cmake, gcc and make installed"
                                .formatted(system, machine));
            }
            return new Library(link(in));
        } catch (IOException e) {
            throw new NativeUnavailable(
                    "the native kernels could not be unpacked (%s); make room in the folder for temporary files or name another one with -Djava.io.tmpdir"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    /** Unpacks into a folder that only this user can read, loads, and leaves no file behind. */
    private static SymbolLookup link(InputStream in) throws IOException, NativeUnavailable {
        Path folder = Files.createTempDirectory("baton-kernels-");
        Path file = folder.resolve(FILE);
        try {
            Files.copy(in, file);
            return SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new NativeUnavailable(
                    "the native kernels could not be loaded from %s; if that folder forbids execution, name another one with -Djava.io.tmpdir"
                            .formatted(folder.getParent()),
                    e);
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        }
    }

    /**
     * The highest level up to the cap that library and CPU both have; numbered as {@link Level}.
     */
    int bestLevel(int cap) {
        return (int) call(bestLevel, cap);
    }

    /**
     * A pool, or {@link MemorySegment#NULL}.
     *
     * @param activations numbered as {@link io.baton.kernels.Activations}
     */
    MemorySegment open(int threads, int level, int activations) {
        return (MemorySegment) call(open, threads, level, activations);
    }

    void close(MemorySegment pool) {
        call(close, pool);
    }

    /** A repacked weight, or {@link MemorySegment#NULL}. */
    MemorySegment pack(MemorySegment pool, int[] typeRowsCols, MemorySegment data) {
        return (MemorySegment)
                call(pack, pool, typeRowsCols[0], typeRowsCols[1], typeRowsCols[2], data);
    }

    long weightBytes(MemorySegment weight) {
        return (long) call(weightBytes, weight);
    }

    /** Copies the counters; room for all slots. */
    void profile(MemorySegment slots) {
        call(profile, slots);
    }

    /** A caller of the pool with a share of its time, or {@link MemorySegment#NULL}. */
    MemorySegment openLane(MemorySegment pool, double share) {
        return (MemorySegment) call(openLane, pool, share);
    }

    void closeLane(MemorySegment lane) {
        call(closeLane, lane);
    }

    /** Runs {@code count} operations; 0 if all went well. */
    int run(MemorySegment lane, MemorySegment operations, int count) {
        try {
            return (int) run.invokeExact(lane, operations, count);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call throws nothing", e);
        }
    }

    boolean ransDivisors(int tables, MemorySegment frequencies, MemorySegment divisors) {
        return (int) call(ransDivisors, tables, frequencies, divisors) != 0;
    }

    boolean ransSlots(int tables, MemorySegment frequencies, MemorySegment slots) {
        return (int) call(ransSlots, tables, frequencies, slots) != 0;
    }

    /** Bytes of the stream at the end of {@code out}, or -1. */
    long ransEncode(
            RansCoder.Rows rows,
            MemorySegment divisors,
            MemorySegment symbols,
            MemorySegment out,
            int wide) {
        return (long)
                call(
                        ransEncode,
                        rows.rows(),
                        rows.columns(),
                        rows.tables(),
                        rows.tableOf(),
                        divisors,
                        symbols,
                        out,
                        out.byteSize(),
                        wide);
    }

    boolean ransDecode(
            RansCoder.Rows rows,
            MemorySegment slots,
            MemorySegment stream,
            MemorySegment symbols,
            int wide) {
        int valid =
                (int)
                        call(
                                ransDecode,
                                rows.rows(),
                                rows.columns(),
                                rows.tables(),
                                rows.tableOf(),
                                slots,
                                stream,
                                stream.byteSize(),
                                symbols,
                                wide);
        return valid != 0;
    }

    static Object call(MethodHandle handle, Object... arguments) {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call throws nothing", e);
        }
    }

    static MethodHandle function(
            SymbolLookup symbols, String name, MemoryLayout result, MemoryLayout... arguments)
            throws NativeUnavailable {
        return handle(symbols, name, FunctionDescriptor.of(result, arguments));
    }

    static MethodHandle action(SymbolLookup symbols, String name, MemoryLayout... arguments)
            throws NativeUnavailable {
        return handle(symbols, name, FunctionDescriptor.ofVoid(arguments));
    }

    private static MethodHandle handle(
            SymbolLookup symbols, String name, FunctionDescriptor descriptor)
            throws NativeUnavailable {
        MemorySegment address =
                symbols.find(name)
                        .orElseThrow(
                                () ->
                                        new NativeUnavailable(
                                                "the native kernels lack %s; build again with mvn package"
                                                        .formatted(name)));
        return LINKER.downcallHandle(address, descriptor);
    }

    /** Escapes written, -1 if there was no room; the head as transform.h has it. */
    int headForward(MemorySegment head) {
        return (int) call(headForward, head);
    }

    /** Escapes read, -1 if there were too few. */
    int headInverse(MemorySegment head) {
        return (int) call(headInverse, head);
    }
}

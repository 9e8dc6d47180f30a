package io.baton.kernels.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.util.List;

/**
 * The NVIDIA driver of this machine, if there is one.
 *
 * @param devices name and memory of each device; empty where none can be used
 * @param detail one line for people: driver version, or why there is none
 */
public record CudaDriver(List<String> devices, String detail) {
    private static final String LIBRARY = "libcuda.so.1";

    public CudaDriver {
        devices = List.copyOf(devices);
    }

    /** Looks for driver and devices. Never throws: what is missing is in the detail. */
    public static CudaDriver find() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(LIBRARY, arena);
        } catch (IllegalArgumentException e) {
            return none(LIBRARY + " not found: no NVIDIA driver");
        }
        // Only from here on are JCuda's classes touched; they load a library of their own.
        try {
            return DriverQuery.ask();
        } catch (LinkageError e) {
            return none("JCuda cannot use " + LIBRARY + ": " + firstLine(e));
        }
    }

    private static CudaDriver none(String why) {
        return new CudaDriver(List.of(), why);
    }

    private static String firstLine(Throwable error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("unknown");
    }
}

package io.baton.kv.channel.ucx;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import org.jspecify.annotations.Nullable;

/**
 * The system's UCX, if there is one that jucx can work with.
 *
 * @param usable whether a context could be opened
 * @param detail one line for people
 */
public record UcxLibrary(boolean usable, String detail) {
    static final String LIBRARY = "libucp.so.0";

    /** The releases whose interface is that of jucx 1.12.1. */
    private static final int MAJOR = 1;

    private static final int FIRST_MINOR = 12;
    private static final int LAST_MINOR = 13;

    /** Looks for UCX and opens a context once. Never throws: what is missing is in the detail. */
    public static UcxLibrary find() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(LIBRARY, arena);
        } catch (IllegalArgumentException e) {
            return new UcxLibrary(false, LIBRARY + " not found: apt-get install libucx0");
        }
        UcxNative.Version version = UcxNative.version();
        if (version.major() != MAJOR
                || version.minor() < FIRST_MINOR
                || version.minor() > LAST_MINOR) {
            return new UcxLibrary(false, LIBRARY + " is " + version + ", this needs 1.12 or 1.13");
        }
        // A worker that starts anew must get its port again while old connections linger.
        UcxNative.setDefault("UCX_TCP_CM_REUSEADDR", "y");
        UcxNative.setDefault("UCX_RDMA_CM_REUSEADDR", "y");
        // Only from here on are jucx's classes touched; they load a library of their own.
        try {
            return ContextQuery.ask();
        } catch (LinkageError e) {
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("unknown");
            return new UcxLibrary(false, "jucx cannot use " + LIBRARY + ": " + why);
        }
    }

    /**
     * Looks once in the process.
     *
     * @throws BatonException CONFIGURATION if UCX cannot be used; one line says why
     */
    static void require() {
        String why = whyNot();
        if (why != null) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the ucx channel cannot be used: " + why,
                    "kv.channel");
        }
    }

    /** Why UCX cannot be used, or null if it can; looks once in the process. */
    static @Nullable String whyNot() {
        return Found.ONCE.usable() ? null : Found.ONCE.detail();
    }

    private static final class Found {
        static final UcxLibrary ONCE = find();
    }
}

package io.baton.kv.channel.ucx;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;

/**
 * The system's UCX, if there is one.
 *
 * @param usable whether a context could be opened
 * @param detail one line for people
 */
public record UcxLibrary(boolean usable, String detail) {
    private static final String LIBRARY = "libucp.so.0";

    /** Looks for UCX and opens a context once. Never throws: what is missing is in the detail. */
    public static UcxLibrary find() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(LIBRARY, arena);
        } catch (IllegalArgumentException e) {
            return new UcxLibrary(false, LIBRARY + " not found: apt-get install libucx0");
        }
        // Only from here on are jucx's classes touched; they load a library of their own.
        try {
            return ContextQuery.ask();
        } catch (LinkageError e) {
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("unknown");
            return new UcxLibrary(false, "jucx cannot use " + LIBRARY + ": " + why);
        }
    }
}

package io.baton.kernels;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.c.CKernels;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.Optional;

/**
 * Chooses the provider, once at start. Prints nothing: the reason is the provider's to tell. The
 * environment's {@code BATON_KERNELS_LEVEL} ({@code portable}, {@code avx2}) caps the instruction
 * set, so that every path can be tried on one machine.
 */
public final class KernelsProviders {
    private static final String LEVEL = "BATON_KERNELS_LEVEL";

    private KernelsProviders() {}

    /** What the configuration asks for. */
    public enum Preference {
        /** The fastest that runs here. */
        AUTO,
        REFERENCE,
        C
    }

    /**
     * The provider that runs here.
     *
     * @param threads threads that compute, the caller's included
     * @throws BatonException if C is asked for by name and cannot run
     */
    public static Kernels choose(Preference preference, int threads) {
        return switch (preference) {
            case REFERENCE -> new ReferenceKernels(threads, "asked for by configuration");
            case AUTO -> fastest(threads);
            case C -> required(threads);
        };
    }

    private static Kernels fastest(int threads) {
        try {
            return CKernels.open(threads, cap());
        } catch (NativeUnavailable e) {
            return new ReferenceKernels(threads, String.valueOf(e.getMessage()));
        }
    }

    private static Kernels required(int threads) {
        try {
            return CKernels.open(threads, cap());
        } catch (NativeUnavailable e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "The C kernels were asked for: " + e.getMessage(),
                    "kernels",
                    e);
        }
    }

    private static Level cap() {
        return Level.named(Optional.ofNullable(System.getenv(LEVEL)).orElse(""));
    }
}

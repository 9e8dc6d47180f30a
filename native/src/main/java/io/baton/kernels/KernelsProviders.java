package io.baton.kernels;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.c.CKernels;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.reference.ReferenceKernels;
import io.baton.kernels.vector.VectorKernels;

/**
 * Chooses the provider, once at start. Prints nothing: the reason is the provider's to tell. The
 * environment's {@code BATON_KERNELS_LEVEL} ({@code portable}, {@code avx2}) caps the instruction
 * set, so that every path can be tried on one machine.
 */
public final class KernelsProviders {
    private static final String VECTOR_FLAG = "--add-modules=jdk.incubator.vector";

    private KernelsProviders() {}

    /** What the configuration asks for. */
    public enum Preference {
        /** The fastest that runs here. */
        AUTO,
        REFERENCE,
        C,
        /** The Vector API; needs its module. */
        VECTOR
    }

    /** The provider that runs here, with activations in 13 bits. */
    public static Kernels choose(Preference preference, int threads) {
        return choose(preference, threads, Activations.BITS_13);
    }

    /**
     * The provider that runs here.
     *
     * @param threads threads that compute, the caller's included
     * @param activations what rows are rounded to
     * @throws BatonException if C or the Vector API is asked for by name and cannot run, or if the
     *     Vector API is what runs here and the activations are none that it has
     */
    public static Kernels choose(Preference preference, int threads, Activations activations) {
        return switch (preference) {
            case REFERENCE ->
                    new ReferenceKernels(threads, activations, "asked for by configuration");
            case AUTO -> fastest(threads, activations);
            case C -> required(threads, activations);
            case VECTOR -> vector(threads, activations);
        };
    }

    private static Kernels fastest(int threads, Activations activations) {
        try {
            return CKernels.open(threads, Level.cap(), activations);
        } catch (NativeUnavailable e) {
            return withoutLibrary(threads, activations, String.valueOf(e.getMessage()));
        }
    }

    /** The Vector API where the launcher added its module, else the reference. */
    private static Kernels withoutLibrary(int threads, Activations activations, String reason) {
        return hasVectorModule()
                ? openVector(threads, activations, reason)
                : new ReferenceKernels(
                        threads,
                        activations,
                        "%s; faster with java %s".formatted(reason, VECTOR_FLAG));
    }

    private static Kernels openVector(int threads, Activations activations, String reason) {
        if (activations == Activations.BITS_8) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "The vector kernels do not round activations to 8 bits (%s); set kernels.activations to 13bit, or kernels.provider to c or reference"
                            .formatted(reason),
                    "kernels.activations");
        }
        return VectorKernels.open(threads, reason);
    }

    private static Kernels vector(int threads, Activations activations) {
        if (hasVectorModule()) {
            return openVector(threads, activations, "asked for by configuration");
        }
        throw new BatonException(
                ErrorCode.CONFIGURATION,
                "The vector kernels were asked for and Java runs without their module; start it with %s (BATON_JAVA_OPTS)"
                        .formatted(VECTOR_FLAG),
                "kernels");
    }

    /** Nothing of the provider is loaded to answer this. */
    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    private static Kernels required(int threads, Activations activations) {
        try {
            return CKernels.open(threads, Level.cap(), activations);
        } catch (NativeUnavailable e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "The C kernels were asked for: " + e.getMessage(),
                    "kernels",
                    e);
        }
    }
}

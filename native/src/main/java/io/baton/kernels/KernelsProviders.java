package io.baton.kernels;

import io.baton.kernels.reference.ReferenceKernels;

/** Chooses the provider, once at start. Prints nothing: the reason is the provider's to tell. */
public final class KernelsProviders {
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
     */
    public static Kernels choose(Preference preference, int threads) {
        return switch (preference) {
            case REFERENCE -> new ReferenceKernels(threads, "asked for by configuration");
            case AUTO, C -> new ReferenceKernels(threads, "no native library in this build");
        };
    }
}

package io.baton.kernels.entropy;

import io.baton.kernels.c.CRans;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;

/** Chooses the coder; which one never matters to the bytes. */
public final class RansCoders {
    private RansCoders() {}

    /** C where its library can be loaded, else plain Java. */
    public static RansCoder fastest() {
        try {
            return CRans.open(Level.cap());
        } catch (NativeUnavailable e) {
            return new ReferenceRans();
        }
    }
}

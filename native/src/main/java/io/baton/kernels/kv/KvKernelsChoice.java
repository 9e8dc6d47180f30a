package io.baton.kernels.kv;

import io.baton.kernels.c.CKv;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;

/** Chooses the implementation; which one never matters to the bytes. */
public final class KvKernelsChoice {
    private KvKernelsChoice() {}

    /** C where its library can be loaded, else plain Java. */
    public static KvKernels fastest() {
        try {
            return CKv.open(Level.cap());
        } catch (NativeUnavailable e) {
            return new ReferenceKv();
        }
    }
}

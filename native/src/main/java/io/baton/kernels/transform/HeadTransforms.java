package io.baton.kernels.transform;

import io.baton.kernels.c.CHeadTransform;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;

/** Chooses the transform; which one never matters to the bits. */
public final class HeadTransforms {
    private HeadTransforms() {}

    /** C where its library can be loaded, else plain Java. */
    public static HeadTransform fastest() {
        try {
            return CHeadTransform.open(Level.cap());
        } catch (NativeUnavailable e) {
            return new ReferenceHeadTransform();
        }
    }
}

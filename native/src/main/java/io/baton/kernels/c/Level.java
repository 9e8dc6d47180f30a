package io.baton.kernels.c;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.Locale;

/** The instruction sets that the library knows, in the order of {@code baton.h}. */
public enum Level {
    PORTABLE,
    AVX2;

    /** The name used in profiles and configuration. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The level named so; the highest one for an empty name. */
    public static Level named(String name) {
        if (name.isEmpty()) {
            return values()[values().length - 1];
        }
        for (Level level : values()) {
            if (level.label().equals(name)) {
                return level;
            }
        }
        throw new BatonException(
                ErrorCode.CONFIGURATION,
                "BATON_KERNELS_LEVEL is '%s'; it may be portable or avx2".formatted(name),
                "BATON_KERNELS_LEVEL");
    }
}

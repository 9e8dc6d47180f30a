package io.baton.kernels.c;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The instruction sets that the library knows, in the order of {@code baton.h}, lowest first. */
public enum Level {
    PORTABLE("portable"),
    AVX2("avx2"),
    /** AVX2 with dot products of its own (VEX encoding: desktop CPUs without AVX-512). */
    AVX2_VNNI("avx2"),
    /** F, BW, DQ and VL. */
    AVX512("avx512"),
    AVX512_VNNI("avx512");

    private final String numerics;

    Level(String numerics) {
        this.numerics = numerics;
    }

    /** The name used in configuration and in the start-up line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The name used in the numeric profile: levels that share it give equal bits, because dot
     * products of whole numbers are exact either way.
     */
    public String numerics() {
        return numerics;
    }

    /**
     * The highest level that the environment's {@code BATON_KERNELS_LEVEL} allows; all if it is not
     * set.
     *
     * @throws BatonException CONFIGURATION if it names none
     */
    public static Level cap() {
        return named(Optional.ofNullable(System.getenv("BATON_KERNELS_LEVEL")).orElse(""));
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
                "BATON_KERNELS_LEVEL is '%s'; it may be one of: %s"
                        .formatted(
                                name,
                                Arrays.stream(values())
                                        .map(Level::label)
                                        .collect(Collectors.joining(", "))),
                "BATON_KERNELS_LEVEL");
    }
}

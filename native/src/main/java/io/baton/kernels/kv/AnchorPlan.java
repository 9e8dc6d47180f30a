package io.baton.kernels.kv;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How a layer is coded by anchors. Of every {@value #GROUP} coded tokens the first is the
 * <em>anchor</em>; of the others what is left when a share (all, half or none, chosen for each
 * channel) of the anchor is taken away. Numbers are multiples of a step, one for each channel of K
 * and one for each token and head of V; a step is {@code 2^((code - 128) / 8)}. Numbers fall into
 * <em>runs</em>: the high 4 bits of two of them, from both halves of a run, make one symbol for an
 * entropy coder, the bits under those are kept as they are.
 *
 * @param layer shape
 * @param first the first coded token
 * @param coded tokens that are coded, at least 1
 * @param steps how fine
 * @param limits of steps of V
 */
public record AnchorPlan(LayerShape layer, int first, int coded, Steps steps, Limits limits) {
    /** Tokens of a group, the anchor among them. */
    public static final int GROUP = 10;

    /** Low bits of the numbers of anchors, which have 8 bits in all. */
    public static final int ANCHOR_BITS = 4;

    /** Runs of pairs: K's anchors, V's anchors, K, V. */
    public static final int PAIRED_RUNS = 4;

    /** Runs in all: then the steps of V's anchors and of V, a symbol for each. */
    public static final int RUNS = 6;

    /** Symbols of a run are padded to a multiple of this, the lanes of a coder. */
    public static final int UNIT = 32;

    private static final int FIELDS = 17;

    /** Bytes before the floats of the memory to work in. */
    public static final long FIELD_BYTES = 128;

    public AnchorPlan {
        if (first < 0 || coded < 1 || coded > layer.tokens() - first) {
            throw new IllegalArgumentException(
                    "%d coded tokens from %d on of %d".formatted(coded, first, layer.tokens()));
        }
    }

    /**
     * How fine numbers are.
     *
     * @param keyAnchor K's anchors: eighths of an octave from their channel's root mean square to
     *     their step
     * @param valueAnchor V's anchors, from their token's and head's
     * @param key K, from that of what is left of the channel
     * @param value V, from that of what is left of the token and head
     * @param bits of numbers of K and V that are not entropy coded
     */
    public record Steps(int keyAnchor, int valueAnchor, int key, int value, Bits bits) {}

    /**
     * Low bits.
     *
     * @param key of a number of K, 0 to 3
     * @param value of a number of V, 0 to 3
     */
    public record Bits(int key, int value) {
        public Bits {
            if (key < 0 || key > 3 || value < 0 || value > 3) {
                throw new IllegalArgumentException("0 to 3 low bits: %d, %d".formatted(key, value));
            }
        }
    }

    /** The least and greatest codes of steps of V's anchors and of V that a coder's tables have. */
    public record Limits(int lowestAnchor, int highestAnchor, int lowest, int highest) {
        /** All. */
        public static final Limits NONE = new Limits(0, 255, 0, 255);
    }

    /** Anchors. */
    public int anchors() {
        return Math.ceilDiv(coded, GROUP);
    }

    /** Tokens that are no anchors. */
    public int rest() {
        return coded - anchors();
    }

    /** Low bits of a run's numbers. */
    public int bits(int run) {
        return switch (run) {
            case 0, 1 -> ANCHOR_BITS;
            case 2 -> steps.bits().key();
            case 3 -> steps.bits().value();
            default -> 0;
        };
    }

    /** Numbers of a run. */
    int count(int run) {
        int rows = run < 2 || run == PAIRED_RUNS ? anchors() : rest();
        return rows * (run < PAIRED_RUNS ? layer.channels() : layer.heads());
    }

    /** Numbers of a run with its padding. */
    int length(int run) {
        int unit = run < PAIRED_RUNS ? 2 * UNIT : UNIT;
        return Math.ceilDiv(count(run), unit) * unit;
    }

    /** Symbols of a run, a multiple of {@link #UNIT}. */
    public int symbols(int run) {
        return run < PAIRED_RUNS ? length(run) / 2 : length(run);
    }

    /** Symbols of all runs. */
    public int symbols() {
        return symbolsAt(RUNS);
    }

    /** Where the symbols of a run begin. */
    public int symbolsAt(int run) {
        int at = 0;
        for (int before = 0; before < run; before++) {
            at += symbols(before);
        }
        return at;
    }

    /** Where the low bits of a run begin. */
    int lowAt(int run) {
        int at = 0;
        for (int before = 0; before < run; before++) {
            at += length(before) / 8 * bits(before);
        }
        return at;
    }

    /** Bytes of low bits. */
    public int lowBytes() {
        return lowAt(PAIRED_RUNS);
    }

    /** Bytes of what is sent of every channel: both steps of K, and shares. */
    public int sideBytes() {
        return 3 * layer.channels();
    }

    /** Bytes of memory to work in, at an address that 4 divides. */
    public long workBytes() {
        long quanta = 0;
        for (int run = 0; run < PAIRED_RUNS; run++) {
            quanta += length(run);
        }
        return FIELD_BYTES + 4L * (12 + 2L * anchors()) * layer.channels() + quanta;
    }

    /** The C structure {@code baton_kv_plan}. */
    public void write(MemorySegment out) {
        int[] fields = {
            layer.blocks(),
            layer.blockTokens(),
            layer.heads(),
            layer.dim(),
            layer.half() ? 1 : 0,
            first,
            coded,
            steps.keyAnchor(),
            steps.valueAnchor(),
            steps.key(),
            steps.value(),
            steps.bits().key(),
            steps.bits().value(),
            limits.lowestAnchor(),
            limits.highestAnchor(),
            limits.lowest(),
            limits.highest()
        };
        MemorySegment.copy(fields, 0, out, ValueLayout.JAVA_INT, 0, FIELDS);
    }

    /** The structure for what needs the shape alone. */
    public static void write(LayerShape layer, MemorySegment out) {
        new AnchorPlan(layer, 0, 1, new Steps(0, 0, 0, 0, new Bits(0, 0)), Limits.NONE).write(out);
    }
}

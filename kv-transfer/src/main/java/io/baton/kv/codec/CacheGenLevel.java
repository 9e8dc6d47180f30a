package io.baton.kv.codec;

import io.baton.kernels.kv.AnchorPlan.Bits;
import io.baton.kernels.kv.AnchorPlan.Steps;

/**
 * How fine each level of {@link CacheGenCodec} is. Offsets are eighths of an octave between a root
 * mean square and the step. As in the paper early layers are finer than late ones, for errors there
 * go through more layers; less so, as small models gained nothing from its 0.5 : 1 : 1.5.
 */
final class CacheGenLevel {
    /** Levels, 0 the finest. */
    static final int COUNT = 6;

    private static final int[] STEPS = {-26, -22, -18, -14, -10, -6};
    private static final int[] THIRDS = {-2, 0, 2};
    private static final int[] ANCHORS = {-128, -128, -128, -36, -32, -28};

    private CacheGenLevel() {}

    static Steps of(int level, int layer, int layers) {
        int step = STEPS[level] + THIRDS[3 * layer / layers];
        int bits = bits(step);
        return new Steps(ANCHORS[level], ANCHORS[level], step, step, new Bits(bits, bits));
    }

    /** So many that 16 symbols reach four to eight times the root mean square. */
    private static int bits(int step) {
        if (step < -22) {
            return 3;
        }
        if (step < -13) {
            return 2;
        }
        return step < -6 ? 1 : 0;
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.kv.KvDtype;
import io.baton.common.model.TinyModel;
import io.baton.kernels.reference.ReferenceKernels;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * How far a token is felt. A local layer sees 24 positions, itself included, so n of them carry the
 * first token to position {@code 23 n} and not one further; a global layer carries it to the end.
 */
class SlidingWindowTest {
    private static final int WINDOW = 24;
    private static final int TOKENS = 160;

    /** For each position, whether its logits change with the first token. */
    private static boolean[] felt(TinyModel model) {
        float[][] one = logits(model, 11);
        float[][] other = logits(model, 12);
        boolean[] felt = new boolean[TOKENS];
        for (int i = 0; i < TOKENS; i++) {
            felt[i] = !Arrays.equals(one[i], other[i]);
        }
        return felt;
    }

    private static float[][] logits(TinyModel model, int firstToken) {
        int[] tokens = Specs.tokens(4, TOKENS);
        tokens[0] = firstToken;
        float[][] rows = new float[TOKENS][];
        try (Rig rig = new Rig(model, new ReferenceKernels(1, "test"));
                LogitsProbe probe =
                        new LogitsProbe(rig.weights, rig.kernels, KvDtype.F32, TOKENS)) {
            probe.run(
                    tokens,
                    (position, logits) -> rows[position] = logits.toArray(ValueLayout.JAVA_FLOAT));
        }
        return rows;
    }

    @Test
    void localLayersReachAsFarAsTheirWindowsTogether() {
        boolean[] felt = felt(TinyModel.gemma3().withLayers(2));
        boolean[] expected = new boolean[TOKENS];
        Arrays.fill(expected, 0, 2 * (WINDOW - 1) + 1, true);
        assertArrayEquals(expected, felt);
    }

    @Test
    void aGlobalLayerReachesEverything() {
        boolean[] felt = felt(TinyModel.gemma3());
        assertTrue(felt[TOKENS - 1]);
        boolean[] llama = felt(TinyModel.llama().withLayers(1));
        assertFalse(Arrays.equals(llama, new boolean[TOKENS]));
        assertTrue(llama[TOKENS - 1]);
    }
}

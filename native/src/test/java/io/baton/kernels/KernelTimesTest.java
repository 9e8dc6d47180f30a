package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.model.TensorType;
import io.baton.kernels.KernelQueue.Projection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where the time goes: shares of a span, and the C library's counters. */
class KernelTimesTest {
    @Test
    void sharesAreOfTheSpanBetweenTheMoments() {
        KernelTimes before = new KernelTimes(1000, Map.of("norm", 5L, "wait", 7L));
        KernelTimes after = new KernelTimes(1400, Map.of("norm", 105L, "wait", 7L, "add", 20L));
        assertEquals(Map.of("norm", 0.25, "add", 0.05), after.sharesSince(before));
        assertThrows(IllegalArgumentException.class, () -> before.sharesSince(after));
    }

    @ParameterizedTest
    @MethodSource("io.baton.kernels.ProviderCase#all")
    void productsAreCountedUnderTheirType(ProviderCase provider) {
        try (Rig rig = new Rig(provider, 2)) {
            SplittableRandom random = new SplittableRandom(4);
            Weight weight =
                    rig.kernels.weight(
                            TensorType.Q5_1,
                            96,
                            256,
                            RandomBlocks.of(TensorType.Q5_1, 96L * 256, random));
            Tensor in = rig.tensor(Rig.gaussian(16 * 256, random), 256);
            Tensor out = rig.tensor(16, 96);
            Optional<KernelTimes> before = rig.kernels.times();
            rig.queue.begin(Rig.rows(16));
            rig.queue.matmul(in, List.of(new Projection(weight, out)));
            rig.read(out, 16);
            assertEquals(provider.level() != null, before.isPresent());
            if (before.isPresent()) {
                Map<String, Double> shares =
                        rig.kernels.times().orElseThrow().sharesSince(before.get());
                assertTrue(shares.containsKey("matmul Q5_1"), shares::toString);
                assertTrue(shares.containsKey("quantise"), shares::toString);
                assertFalse(shares.containsKey("attention"), shares::toString);
            }
        }
    }
}

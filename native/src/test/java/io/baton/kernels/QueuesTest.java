package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.baton.common.model.TensorType;
import io.baton.kernels.KernelQueue.Projection;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Several queues of one provider at the same time. */
@ParameterizedClass
@MethodSource("io.baton.kernels.ProviderCase#all")
class QueuesTest {
    private static final int ROWS = 48;
    private static final int COLS = 256;
    private static final int FEATURES = 320;
    private static final int STEPS = 6;

    @Parameter ProviderCase provider = ProviderCase.unset();

    @Test
    void queuesThatComputeAtOnceLeaveEachOthersBitsAlone() throws Exception {
        try (Rig rig = new Rig(provider, 2);
                ExecutorService callers = Executors.newFixedThreadPool(3)) {
            var data = RandomBlocks.of(TensorType.Q4_0, FEATURES * COLS, new SplittableRandom(7));
            Weight weight = rig.kernels.weight(TensorType.Q4_0, FEATURES, COLS, data);
            List<Future<?>> ends = new ArrayList<>();
            for (double share : new double[] {0.1, 0.3, 0.6}) {
                float[] in = Rig.gaussian(ROWS * COLS, new SplittableRandom((long) (100 * share)));
                float[] alone = product(rig, rig.queue, weight, in);
                ends.add(callers.submit(again(rig, share, weight, in, alone)));
            }
            for (Future<?> end : ends) {
                end.get(60, TimeUnit.SECONDS);
            }
        }
    }

    private static Callable<Void> again(
            Rig rig, double share, Weight weight, float[] in, float[] alone) {
        return () -> {
            try (KernelQueue queue = rig.kernels.newQueue(share)) {
                for (int step = 0; step < STEPS; step++) {
                    assertArrayEquals(alone, product(rig, queue, weight, in));
                }
            }
            return null;
        };
    }

    private static float[] product(Rig rig, KernelQueue queue, Weight weight, float[] in) {
        Tensor x = rig.tensor(in, COLS);
        Tensor out = rig.tensor(ROWS, FEATURES);
        queue.begin(Rig.rows(ROWS));
        queue.matmul(x, List.of(new Projection(weight, out)));
        return Rig.read(queue, out, ROWS);
    }

    @Test
    void aShareIsAPositiveNumber() {
        try (Rig rig = new Rig(provider, 1)) {
            for (double share : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
                assertThrows(
                        IllegalArgumentException.class, () -> rig.kernels.newQueue(share).close());
            }
        }
    }
}

package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.TensorType;
import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.KernelsProviders.Preference;
import io.baton.kernels.c.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The choice of a provider, its memory, and several queues over one thread pool. */
class KernelsProvidersTest {
    @ParameterizedTest
    @EnumSource(names = {"AUTO", "REFERENCE", "VECTOR"})
    void aProviderIsChosenAndSaysWhy(Preference preference) {
        try (Kernels kernels = KernelsProviders.choose(preference, 2)) {
            assertFalse(kernels.reason().isBlank());
            assertFalse(kernels.reason().contains("\n"));
            String provider = kernels.profile().provider().toUpperCase(Locale.ROOT);
            assertTrue(provider.equals(preference.name()) || preference == Preference.AUTO);
        }
    }

    @Test
    void activationsArePartOfTheProfile() {
        for (Preference preference : List.of(Preference.AUTO, Preference.REFERENCE)) {
            try (Kernels coarse = KernelsProviders.choose(preference, 1, Activations.BITS_8);
                    Kernels fine = KernelsProviders.choose(preference, 1)) {
                assertEquals(fine.profile().label() + ":8bit", coarse.profile().label());
                assertFalse(fine.profile().equals(coarse.profile()));
            }
        }
        BatonException e =
                assertThrows(
                        BatonException.class,
                        () -> KernelsProviders.choose(Preference.VECTOR, 1, Activations.BITS_8));
        assertEquals(ErrorCode.CONFIGURATION, e.code());
        assertTrue(e.text().contains("kernels.activations") && e.text().contains("13bit"));
        assertEquals(Activations.BITS_8, Activations.named("8bit"));
        assertThrows(IllegalArgumentException.class, () -> Activations.named("7bit"));
    }

    @Test
    void aLevelThatDoesNotExistIsNamed() {
        assertEquals(Level.PORTABLE, Level.named("portable"));
        assertEquals(Level.AVX2_VNNI, Level.named("avx2_vnni"));
        assertEquals(Level.AVX512_VNNI, Level.named(""));
        BatonException e = assertThrows(BatonException.class, () -> Level.named("sse9"));
        assertEquals(ErrorCode.CONFIGURATION, e.code());
        assertTrue(e.text().contains("sse9") && e.text().contains("portable"));
    }

    @ParameterizedTest
    @MethodSource("io.baton.kernels.ProviderCase#all")
    void memoryIsZeroedAlignedAndBounded(ProviderCase provider) {
        try (Kernels kernels = provider.open(1);
                Arena arena = Arena.ofConfined()) {
            Buffer buffer = kernels.allocate(100);
            MemorySegment all = arena.allocate(100).fill((byte) 7);
            buffer.read(0, all);
            assertArrayEquals(new byte[100], all.toArray(ValueLayout.JAVA_BYTE));
            buffer.write(90, arena.allocate(10).fill((byte) 3));
            buffer.zero(95, 5);
            buffer.read(0, all);
            assertEquals(3, all.get(ValueLayout.JAVA_BYTE, 94));
            assertEquals(0, all.get(ValueLayout.JAVA_BYTE, 95));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.zero(95, 6));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.write(1, all));
            buffer.close();
            buffer.close();
            assertThrows(IllegalStateException.class, () -> buffer.read(0, all));
            assertThrows(BatonException.class, () -> kernels.allocate(1L << 60));
        }
    }

    @ParameterizedTest
    @MethodSource("io.baton.kernels.ProviderCase#all")
    void queuesOfSeveralThreadsDoNotDisturbEachOther(ProviderCase provider)
            throws InterruptedException, ExecutionException, TimeoutException {
        SplittableRandom random = new SplittableRandom(9);
        try (Rig rig = new Rig(provider, 3);
                ExecutorService threads = Executors.newFixedThreadPool(3)) {
            MemorySegment data = RandomBlocks.of(TensorType.Q4_1, 200L * 512, random);
            Weight weight = rig.kernels.weight(TensorType.Q4_1, 200, 512, data);
            Tensor in = rig.tensor(Rig.gaussian(40 * 512, random), 512);
            Tensor expected = rig.tensor(40, 200);
            product(rig.queue, in, weight, expected);
            float[] alone = rig.read(expected, 40);
            List<Tensor> outs = new ArrayList<>();
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Tensor out = rig.tensor(40, 200);
                outs.add(out);
                running.add(
                        threads.submit(
                                () -> {
                                    try (KernelQueue queue = rig.kernels.newQueue()) {
                                        for (int round = 0; round < 30; round++) {
                                            product(queue, in, weight, out);
                                        }
                                    }
                                }));
            }
            for (Future<?> each : running) {
                each.get(60, TimeUnit.SECONDS);
            }
            for (Tensor out : outs) {
                assertArrayEquals(alone, rig.read(out, 40));
            }
        }
    }

    private static void product(KernelQueue queue, Tensor in, Weight weight, Tensor out) {
        queue.begin(Rig.rows(40));
        queue.matmul(in, List.of(new Projection(weight, out)));
        queue.submit();
        queue.await();
    }

    @ParameterizedTest
    @MethodSource("io.baton.kernels.ProviderCase#all")
    void moreOperationsThanOneListHolds(ProviderCase provider) {
        try (Rig rig = new Rig(provider, 2)) {
            Tensor sum = rig.tensor(1, 8);
            Tensor one = rig.tensor(new float[] {1, 1, 1, 1, 1, 1, 1, 1}, 8);
            rig.queue.begin(Rig.rows(1));
            for (int i = 0; i < 2500; i++) {
                rig.queue.add(sum, one);
            }
            assertEquals(2500, rig.read(sum, 1)[7]);
            int[] rows = new int[5000];
            Tensor many = rig.tensor(5000, 8);
            rig.queue.gather(sum, rows, many);
            rig.queue.gather(one, new int[1], sum);
            assertEquals(2500, rig.read(many, 5000)[8 * 4999]);
            assertEquals(1, rig.read(sum, 1)[0]);
        }
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KvLayout;
import io.baton.common.model.TinyModel;
import io.baton.common.time.Ticker;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.reference.ReferenceKernels;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A preempted sequence's KV waits outside of the pool and comes back, bit for bit. */
class ParkingTest {
    private static final int TOKENS = 40;
    private final Rig rig = new Rig(TinyModel.llama(), new ReferenceKernels(2, "test"));

    @AfterEach
    void close() {
        rig.close();
    }

    /** Keeps blocks on the heap. The engine's thread writes; a test reads after its end. */
    private static class Heap implements KvParking {
        final Map<ChunkKey, List<byte[]>> blocks = new HashMap<>();
        int parked;
        int restored;
        @Nullable Source last;

        @Override
        public void park(List<ChunkKey> keys, Source source) {
            KvLayout layout = source.layout();
            last = source;
            for (int block = 0; block < keys.size(); block++) {
                List<byte[]> layers = new ArrayList<>();
                for (int layer = 0; layer < layout.layers(); layer++) {
                    byte[] bytes = new byte[layout.blockLayerBytes()];
                    source.read(layer, block, MemorySegment.ofArray(bytes));
                    layers.add(bytes);
                }
                blocks.put(keys.get(block), layers);
                parked++;
            }
        }

        @Override
        public int restore(List<ChunkKey> keys, int from, Target target) {
            int block = from;
            while (block < keys.size()) {
                List<byte[]> layers = blocks.get(keys.get(block));
                if (layers == null) {
                    break;
                }
                for (int layer = 0; layer < layers.size(); layer++) {
                    target.write(layer, block, MemorySegment.ofArray(layers.get(layer)));
                }
                block++;
            }
            restored += block - from;
            return block - from;
        }
    }

    /** Three that grow out of a pool for two; each has its own text, so nothing is shared. */
    private static List<SequenceSpec> specs() {
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            SamplingParams sampling =
                    i % 2 == 0 ? SamplingParams.greedy(TOKENS) : Specs.mixed(TOKENS, i);
            specs.add(Specs.spec("s" + i, Specs.tokens(i, 60 + i), sampling));
        }
        return specs;
    }

    private EngineLoop loop(KvParking parking, int draftTokens) {
        EngineLoop loop =
                EngineLoops.start(
                        // 4 blocks each and one that holds the engine; 2 to 3 more each.
                        Rig.options(20, 64, new EngineOptions.Policy(16_384, 1e6, draftTokens, 1)),
                        rig.weights,
                        rig.kernels,
                        rig.language(Set.of()),
                        new EngineLoops.Surroundings(parking, Ticker.system()));
        rig.own(loop);
        return loop;
    }

    private List<Outcome> expected() throws InterruptedException {
        EngineLoop wide = rig.loop(200, 64);
        List<Outcome> outcomes = new ArrayList<>();
        for (SequenceSpec spec : specs()) {
            outcomes.add(Rig.serve(wide, spec));
        }
        return outcomes;
    }

    private static void assertFree(EngineLoop loop) {
        assertEquals(loop.stats().poolBlocks(), loop.stats().freeBlocks());
    }

    @Test
    void whatWasParkedComesBackInsteadOfBeingComputed() throws InterruptedException {
        List<Outcome> expected = expected();
        for (int drafts : new int[] {0, 4}) {
            Heap heap = new Heap();
            EngineLoop parking = loop(heap, drafts);
            assertEquals(expected, Rig.serveTogether(parking, specs()), "parked");
            assertTrue(parking.counters().preemptions() > 0, "the pool was to be too small");
            assertTrue(heap.parked > 0);
            assertTrue(heap.restored > 0, "something was evicted meanwhile");
            assertFree(parking);
            KvParking.Source late = heap.last;
            assertNotNull(late);
            assertThrows(
                    IllegalStateException.class,
                    () ->
                            late.read(
                                    0,
                                    0,
                                    MemorySegment.ofArray(
                                            new byte[late.layout().blockLayerBytes()])),
                    "its blocks are others' by now");
        }
    }

    /** With what was parked nothing is prefilled twice, without it is. */
    @Test
    void parkingSavesPrefill() throws InterruptedException {
        EngineLoop parking = loop(new Heap(), 0);
        EngineLoop plain = loop(KvParking.NONE, 0);
        Rig.serveTogether(parking, specs());
        Rig.serveTogether(plain, specs());
        assertTrue(
                parking.counters().prefillTokens() < plain.counters().prefillTokens(),
                parking.counters() + " against " + plain.counters());
    }

    @Test
    void aParkingThatFailsCostsTimeAlone() throws InterruptedException {
        List<Outcome> expected = expected();
        List<Heap> failing =
                List.of(
                        new Heap() {
                            @Override
                            public void park(List<ChunkKey> keys, Source source) {
                                throw new IllegalStateException("full");
                            }
                        },
                        new Heap() {
                            @Override
                            public int restore(List<ChunkKey> keys, int from, Target target) {
                                super.restore(keys, from, target);
                                throw new IllegalStateException("lost");
                            }
                        },
                        new Heap() {
                            @Override
                            public int restore(List<ChunkKey> keys, int from, Target target) {
                                return 1000;
                            }
                        });
        for (Heap heap : failing) {
            EngineLoop loop = loop(heap, 0);
            assertEquals(expected, Rig.serveTogether(loop, specs()));
            assertTrue(loop.counters().preemptions() > 0);
            assertFree(loop);
        }
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import io.baton.common.model.TinyModel;
import io.baton.common.time.Ticker;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.KvPages;
import io.baton.kernels.reference.ReferenceKernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the loop does when something goes wrong, is contended for, or ends. */
class EngineFaultsTest {
    private final Rig rig = new Rig(TinyModel.llama(), new ReferenceKernels(1, "test"));

    @AfterEach
    void close() {
        rig.close();
    }

    private static void assertAtRest(EngineLoop loop) {
        EngineLoop.Stats stats = loop.stats();
        assertEquals(stats.poolBlocks(), stats.freeBlocks(), stats.toString());
        assertEquals(0, stats.running() + stats.waiting(), stats.toString());
    }

    /** Waits until the pool is free again; blocks of a running step are freed at its end. */
    private static void awaitAtRest(EngineLoop loop) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (loop.stats().freeBlocks() < loop.stats().poolBlocks()) {
            assertTrue(System.nanoTime() < deadline, loop.stats().toString());
            Thread.onSpinWait();
        }
        assertAtRest(loop);
    }

    private static ErrorCode code(Outcome outcome) {
        assertNotNull(outcome.error());
        return outcome.error().code();
    }

    @Test
    void manyCallersAtOnceAllGetTheirAnswers() throws Exception {
        EngineLoop loop = rig.loop(24, 64);
        Map<Integer, List<Integer>> expected = new java.util.HashMap<>();
        for (int seed = 0; seed < 4; seed++) {
            expected.put(
                    seed, Rig.serve(loop, Specs.greedy("e", Specs.tokens(seed, 50), 20)).ids());
        }
        try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
            List<Future<?>> done = new ArrayList<>();
            for (int caller = 0; caller < 8; caller++) {
                int seed = caller % 4;
                done.add(
                        callers.submit(
                                () -> {
                                    for (int i = 0; i < 5; i++) {
                                        contend(loop, seed, expected.get(seed), i == 2);
                                    }
                                    return null;
                                }));
            }
            for (Future<?> future : done) {
                future.get(60, TimeUnit.SECONDS);
            }
        }
        awaitAtRest(loop);
    }

    private static void contend(
            EngineLoop loop, int seed, @Nullable List<Integer> expected, boolean cancel)
            throws InterruptedException {
        SequenceSpec spec = Specs.greedy("c", Specs.tokens(seed, 50), 20);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(50);
        while (true) {
            try (Reservation reservation = loop.reserve(spec)) {
                Recorder recorder = new Recorder();
                loop.prefill(reservation, recorder, true);
                if (cancel) {
                    recorder.awaitToken();
                    loop.cancel(reservation);
                } else {
                    assertEquals(expected, recorder.await().ids());
                }
                return;
            } catch (BatonException e) {
                assertEquals(ErrorCode.KV_POOL_EXHAUSTED, e.code());
                assertTrue(System.nanoTime() < deadline, "never got a place");
                Thread.yield();
            }
        }
    }

    /** An engine whose steps fail, wait or give bad numbers when a test wants it. */
    private static final class Faulty implements Engine {
        private final Engine engine;
        volatile @Nullable RuntimeException failure;
        volatile @Nullable CountDownLatch gate;
        volatile boolean notFinite;
        final CountDownLatch entered = new CountDownLatch(1);

        Faulty(Engine engine) {
            this.engine = engine;
        }

        @Override
        public ModelConfig config() {
            return engine.config();
        }

        @Override
        public KvPages pages() {
            return engine.pages();
        }

        @Override
        public Optional<MemorySegment> step(StepPlan plan, LayerListener listener) {
            entered.countDown();
            RuntimeException toThrow = failure;
            if (toThrow != null) {
                throw toThrow;
            }
            CountDownLatch closed = gate;
            if (closed != null) {
                try {
                    assertTrue(closed.await(30, TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            Optional<MemorySegment> logits = engine.step(plan, listener);
            if (notFinite && logits.isPresent()) {
                logits.get().set(ValueLayout.JAVA_FLOAT, 40, Float.NaN);
            }
            return logits;
        }

        @Override
        public void zeroBlocks(int[] blocks) {
            engine.zeroBlocks(blocks);
        }

        @Override
        public void close() {
            engine.close();
        }
    }

    private Faulty faulty(EngineOptions options) {
        return new Faulty(Transformer.of(options, rig.weights, rig.kernels));
    }

    private DefaultEngineLoop loop(Faulty engine, EngineOptions options) {
        DefaultEngineLoop loop =
                new DefaultEngineLoop(engine, options, rig.language(Set.of()), Ticker.system());
        loop.start();
        rig.own(loop);
        return loop;
    }

    @Test
    void aFailedStepFailsItsSequencesAndTheLoopGoesOn() throws InterruptedException {
        EngineOptions options = Rig.options(50, 64);
        Faulty engine = faulty(options);
        DefaultEngineLoop loop = loop(engine, options);
        SequenceSpec spec = Specs.greedy("f", Specs.tokens(1, 30), 4);
        engine.failure = new IllegalStateException("made to fail");
        assertEquals(ErrorCode.INTERNAL, code(Rig.serve(loop, spec)));
        engine.failure = null;
        try (Reservation reservation = loop.reserve(spec)) {
            assertEquals(0, reservation.heldTokens(), "what a failed step left is not reused");
        }
        engine.notFinite = true;
        assertEquals(ErrorCode.INTERNAL, code(Rig.serve(loop, spec)));
        engine.notFinite = false;
        assertEquals(4, Rig.serve(loop, spec).tokens().size());
        assertEquals(2, loop.counters().failures());
        awaitAtRest(loop);
    }

    @Test
    void aListenerThatThrowsHurtsItsOwnSequenceAlone() throws InterruptedException {
        EngineLoop loop = rig.loop(50, 64);
        SequenceSpec spec = Specs.greedy("t", Specs.tokens(1, 30), 4);
        for (String where : List.of("onStarted", "onLayer", "onToken")) {
            Recorder throwing = new ThrowingRecorder(where);
            Recorder good = new Recorder();
            try (Reservation one = loop.reserve(spec);
                    Reservation two = loop.reserve(spec)) {
                loop.prefill(one, throwing, true);
                loop.prefill(two, good, true);
                assertEquals(ErrorCode.INTERNAL, code(throwing.await()), where);
                assertEquals(4, good.await().tokens().size(), where);
            }
        }
        awaitAtRest(loop);
    }

    private static final class ThrowingRecorder extends Recorder {
        private final String where;

        ThrowingRecorder(String where) {
            this.where = where;
        }

        private void maybe(String here) {
            if (here.equals(where)) {
                throw new IllegalStateException("made to fail in " + here);
            }
        }

        @Override
        public void onStarted() {
            maybe("onStarted");
            super.onStarted();
        }

        @Override
        public void onLayer(int layer, int fromToken, int toToken) {
            maybe("onLayer");
            super.onLayer(layer, fromToken, toToken);
        }

        @Override
        public boolean onToken(TokenOutput token) {
            maybe("onToken");
            return super.onToken(token);
        }
    }

    @Test
    void blocksClosedDuringAStepStayUntouchedUntilItsEnd() throws InterruptedException {
        EngineOptions options = Rig.options(50, 64);
        Faulty engine = faulty(options);
        DefaultEngineLoop loop = loop(engine, options);
        CountDownLatch gate = new CountDownLatch(1);
        engine.gate = gate;
        Reservation reservation = loop.reserve(Specs.greedy("g", Specs.tokens(1, 30), 4));
        loop.prefill(reservation, new Recorder(), true);
        assertTrue(engine.entered.await(20, TimeUnit.SECONDS));
        reservation.close();
        assertEquals(2, loop.stats().activeBlocks());
        gate.countDown();
        awaitAtRest(loop);
    }

    @Test
    void drainLetsWorkEndAndRefusesMore() throws InterruptedException {
        EngineLoop loop = rig.loop(50, 64);
        SequenceSpec spec = Specs.greedy("d", Specs.tokens(1, 30), 50);
        Recorder recorder = new Recorder();
        try (Reservation reservation = loop.reserve(spec)) {
            loop.prefill(reservation, recorder, true);
            loop.drain(TimeUnit.SECONDS.toNanos(30));
            Outcome outcome = recorder.now();
            assertEquals(50, outcome.tokens().size());
            assertEquals(FinishReason.LENGTH, outcome.reason());
        }
        assertEquals(
                ErrorCode.DRAINING,
                assertThrows(BatonException.class, () -> loop.reserve(spec)).code());
        assertAtRest(loop);
    }

    @Test
    void drainFailsWhatIsLeftWhenTimeIsOver() throws InterruptedException {
        EngineOptions options = Rig.options(50, 64);
        Faulty engine = faulty(options);
        DefaultEngineLoop loop = loop(engine, options);
        SequenceSpec spec = Specs.greedy("d", Specs.tokens(1, 30), 500);
        Recorder recorder = new Recorder();
        try (Reservation reservation = loop.reserve(spec);
                Reservation idle = loop.reserve(spec)) {
            loop.prefill(reservation, recorder, true);
            recorder.awaitToken();
            loop.drain(0);
            assertEquals(ErrorCode.DRAINING, code(recorder.await()));
            assertEquals(
                    ErrorCode.DRAINING,
                    assertThrows(
                                    BatonException.class,
                                    () -> loop.prefill(idle, new Recorder(), true))
                            .code());
        }
        assertAtRest(loop);
    }
}

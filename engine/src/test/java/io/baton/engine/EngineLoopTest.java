package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KvLayout;
import io.baton.common.model.TinyModel;
import io.baton.engine.Recorder.LayerCall;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.reference.ReferenceKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the loop promises to its callers, on a tiny model and the reference kernels. */
class EngineLoopTest {
    private final Rig rig = new Rig(TinyModel.llama(), new ReferenceKernels(1, "test"));

    @AfterEach
    void close() {
        rig.close();
    }

    private static SamplingParams stops(int maxTokens, Set<Integer> ids, boolean ignoreEos) {
        return new SamplingParams(
                maxTokens, 0, 0f, 0, 1f, 0f, 0f, 0f, 1f, Map.of(), 0, List.of(), ids, false,
                ignoreEos, true, -1, -1, null, Set.of());
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
    void aPrefillTellsItsLayersThenItsFirstTokenAndEndsQuietly() throws InterruptedException {
        EngineLoop loop = rig.loop(100, 100);
        SequenceSpec spec = Specs.greedy("p", Specs.tokens(1, 300), 10);
        List<Object> order = new ArrayList<>();
        Recorder recorder =
                new Recorder() {
                    @Override
                    public boolean onToken(TokenOutput token) {
                        order.addAll(layers());
                        return super.onToken(token);
                    }
                };
        try (Reservation reservation = loop.reserve(spec)) {
            loop.prefill(reservation, recorder, false);
            recorder.awaitStart();
            assertEquals(0, recorder.awaitToken().index());
        }
        List<Object> expected = new ArrayList<>();
        for (int[] span : new int[][] {{0, 100}, {100, 200}, {200, 256}, {256, 300}}) {
            for (int layer = 0; layer < 4; layer++) {
                expected.add(new LayerCall(layer, span[0], span[1]));
            }
        }
        assertEquals(expected, order);
        assertNull(recorder.now().reason());
        awaitAtRest(loop);
    }

    @Test
    void heldTokensAreNotAnnouncedAndCanBeReadAtOnce() throws InterruptedException {
        EngineLoop loop = rig.loop(100, 512);
        SequenceSpec spec = Specs.greedy("p", Specs.tokens(1, 40), 1);
        byte[] first;
        try (Reservation reservation = loop.reserve(spec)) {
            Recorder recorder = new Recorder();
            loop.prefill(reservation, recorder, false);
            recorder.await();
            first = bytes(reservation, 2, 0, 2);
        }
        try (Reservation reservation = loop.reserve(spec)) {
            assertEquals(32, reservation.heldTokens());
            org.junit.jupiter.api.Assertions.assertArrayEquals(first, bytes(reservation, 2, 0, 2));
            Recorder recorder = new Recorder();
            loop.prefill(reservation, recorder, false);
            recorder.await();
            assertEquals(new LayerCall(0, 32, 40), recorder.layers().getFirst());
            assertEquals(4, recorder.layers().size());
        }
    }

    private static byte[] bytes(Reservation reservation, int layer, int firstBlock, int blocks) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target =
                    arena.allocate((long) blocks * reservation.layout().blockLayerBytes());
            reservation.read(layer, firstBlock, target);
            return target.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void anEndTokenEndsTheAnswerUnlessIgnored() throws InterruptedException {
        int[] prompt = Specs.tokens(2, 30);
        Outcome free = Rig.serve(rig.loop(50, 64), Specs.greedy("f", prompt, 12));
        assertEquals(FinishReason.LENGTH, free.reason());
        int end = free.ids().get(4);
        int at = free.ids().indexOf(end);
        EngineLoop loop = rig.loop(Rig.options(50, 64), Set.of(end));
        Outcome stopped = Rig.serve(loop, Specs.greedy("s", prompt, 12));
        assertEquals(FinishReason.STOP, stopped.reason());
        assertEquals(free.ids().subList(0, at + 1), stopped.ids());
        Outcome ignored = Rig.serve(loop, Specs.spec("i", prompt, stops(12, Set.of(), true)));
        assertEquals(free.ids(), ignored.ids());
        Outcome byId = Rig.serve(loop, Specs.spec("b", prompt, stops(12, Set.of(end), true)));
        assertEquals(stopped.ids(), byId.ids());
        assertEquals(FinishReason.STOP, byId.reason());
    }

    @Test
    void aFirstTokenThatEndsTheAnswerIsSaidByWhoeverSampledIt() throws InterruptedException {
        EngineLoop loop = rig.loop(50, 64);
        SequenceSpec one = Specs.greedy("one", Specs.tokens(2, 30), 1);
        try (Reservation reservation = loop.reserve(one)) {
            Recorder recorder = new Recorder();
            loop.prefill(reservation, recorder, false);
            Outcome outcome = recorder.await();
            assertEquals(1, outcome.tokens().size());
            assertEquals(FinishReason.LENGTH, outcome.reason());
        }
        try (Reservation source = loop.reserve(one);
                Reservation target = rig.loop(50, 64).reserve(one)) {
            Recorder first = new Recorder();
            loop.prefill(source, first, false);
            TokenOutput next = first.await().tokens().getFirst();
            Rig.copy(source, target, 30);
            Recorder rest = new Recorder();
            // The decoder says the same again when it is handed the token.
            rigLoopOf(target).decode(target, next, rest);
            Outcome outcome = rest.await();
            assertEquals(List.of(next), outcome.tokens());
            assertEquals(FinishReason.LENGTH, outcome.reason());
        }
    }

    private EngineLoop rigLoopOf(Reservation reservation) {
        for (EngineLoop loop : rig.loops()) {
            if (reservation instanceof PoolReservation own
                    && loop instanceof DefaultEngineLoop candidate
                    && own.isOf(candidate)) {
                return loop;
            }
        }
        throw new AssertionError("unknown loop");
    }

    @Test
    void aListenerMayStopAndTheContextEnds() throws InterruptedException {
        EngineLoop loop = rig.loop(3, 64);
        Recorder stopping =
                new Recorder() {
                    @Override
                    public boolean onToken(TokenOutput token) {
                        super.onToken(token);
                        return token.index() < 2;
                    }
                };
        try (Reservation reservation = loop.reserve(Specs.greedy("s", Specs.tokens(2, 20), 100))) {
            loop.prefill(reservation, stopping, true);
            Outcome outcome = stopping.await();
            assertEquals(3, outcome.tokens().size());
            assertEquals(FinishReason.STOP, outcome.reason());
        }
        Outcome full = Rig.serve(loop, Specs.greedy("l", Specs.tokens(2, 20), 100));
        assertEquals(FinishReason.LENGTH, full.reason());
        assertEquals(28, full.tokens().size(), "20 + 28 tokens fill the three blocks");
        assertEquals(
                ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                assertThrows(
                                BatonException.class,
                                () -> loop.reserve(Specs.greedy("x", Specs.tokens(1, 48), 1)))
                        .code());
    }

    @Test
    void cancelFreesBlocksAndSilencesTheListener() throws InterruptedException {
        EngineLoop loop = rig.loop(200, 64);
        Recorder recorder = new Recorder();
        try (Reservation reservation =
                loop.reserve(Specs.greedy("c", Specs.tokens(1, 1500), 500))) {
            loop.prefill(reservation, recorder, true);
            recorder.awaitStart();
            loop.cancel(reservation);
        }
        awaitAtRest(loop);
        int heard = recorder.layers().size();
        // The engine still works, and the cancelled sequence's listener hears nothing of it.
        Rig.serve(loop, Specs.greedy("n", Specs.tokens(9, 20), 3));
        assertEquals(heard, recorder.layers().size());
        assertNull(recorder.now().reason());
        assertNull(recorder.now().error());
    }

    @Test
    void closingIsEnoughToCancelAndTwiceIsHarmless() throws InterruptedException {
        EngineLoop loop = rig.loop(100, 64);
        Recorder recorder = new Recorder();
        Reservation reservation = loop.reserve(Specs.greedy("c", Specs.tokens(1, 40), 1000));
        loop.prefill(reservation, recorder, true);
        recorder.awaitToken();
        reservation.close();
        reservation.close();
        awaitAtRest(loop);
        assertThrows(IllegalStateException.class, () -> bytes(reservation, 0, 0, 1));
        assertThrows(IllegalStateException.class, () -> loop.prefill(reservation, recorder, true));
    }

    @Test
    void aTokenBeyondTheVocabularyIsRefused() {
        EngineLoop loop = rig.loop(10, 64);
        for (int bad : new int[] {-1, 512}) {
            assertEquals(
                    ErrorCode.INVALID_VALUE,
                    assertThrows(
                                    BatonException.class,
                                    () -> loop.reserve(Specs.greedy("v", new int[] {5, bad}, 1)))
                            .code());
        }
        assertAtRest(loop);
    }

    @Test
    void writesAreRefusedWhereOthersRead() throws InterruptedException {
        EngineLoop loop = rig.loop(100, 64);
        SequenceSpec spec = Specs.greedy("w", Specs.tokens(1, 40), 2);
        Rig.serve(loop, spec);
        try (Reservation reservation = loop.reserve(spec);
                Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(reservation.layout().blockLayerBytes());
            assertThrows(IllegalStateException.class, () -> reservation.write(0, 0, block));
            reservation.write(0, 2, block);
            assertThrows(IllegalStateException.class, () -> reservation.write(0, 3, block));
            assertThrows(IllegalStateException.class, () -> reservation.write(4, 2, block));
            assertThrows(IllegalStateException.class, () -> reservation.write(0, -1, block));
            assertThrows(
                    IllegalStateException.class,
                    () -> reservation.write(0, 2, block.asSlice(0, 7)));
            TokenOutput next = new TokenOutput(0, 5, 0f, List.of(), null);
            assertThrows(
                    IllegalStateException.class,
                    () -> loop.decode(reservation, next, new Recorder()),
                    "three of four layers have not arrived");
            loop.prefill(reservation, new Recorder(), false);
            assertThrows(IllegalStateException.class, () -> reservation.write(0, 2, block));
        }
    }

    private static void copy(Reservation from, Reservation to, int layer, int block, int blocks) {
        MemorySegment bytes = MemorySegment.ofArray(bytes(from, layer, block, blocks));
        to.write(layer, block, bytes);
    }

    @Test
    void aPrefillGoesOnAfterWhatWasWrittenAndKept() throws InterruptedException {
        EngineLoop from = rig.loop(100, 64);
        EngineLoop to = rig.loop(100, 64);
        SequenceSpec spec = Specs.greedy("k", Specs.tokens(1, 70), 6);
        Outcome whole;
        try (Reservation source = from.reserve(spec);
                Reservation place = to.reserve(spec)) {
            Recorder recorder = new Recorder();
            from.prefill(source, recorder, true);
            whole = recorder.await();
            for (int layer = 0; layer < place.layout().layers(); layer++) {
                copy(source, place, layer, 0, layer == 0 ? 4 : 3);
            }
            assertThrows(
                    IllegalStateException.class,
                    () -> place.keepWritten(64),
                    "the fourth block has come in one layer alone");
            assertThrows(IllegalStateException.class, () -> place.keepWritten(40));
            place.keepWritten(48);
            assertEquals(48, place.heldTokens());
            assertThrows(IllegalStateException.class, () -> copy(source, place, 1, 0, 1));
            assertThrows(IllegalStateException.class, () -> place.keepWritten(32));
            Recorder rest = new Recorder();
            to.prefill(place, rest, true);
            Outcome outcome = rest.await();
            assertEquals(whole.ids(), outcome.ids());
            assertEquals(whole.logits(), outcome.logits());
            assertEquals(new LayerCall(0, 48, 70), rest.layers().getFirst());
            assertEquals(22, to.counters().prefillTokens());
            assertThrows(IllegalStateException.class, () -> place.keepWritten(64));
        }
        try (Reservation again = to.reserve(spec)) {
            assertEquals(64, again.heldTokens(), "what was kept is found like what was computed");
        }
        awaitAtRest(from);
        awaitAtRest(to);
    }

    @Test
    void whatWasKeptIsFreedWithoutARun() {
        EngineLoop loop = rig.loop(100, 64);
        SequenceSpec spec = Specs.greedy("f", Specs.tokens(1, 40), 2);
        try (Reservation place = loop.reserve(spec);
                Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(2L * place.layout().blockLayerBytes());
            for (int layer = 0; layer < place.layout().layers(); layer++) {
                place.write(layer, 0, zeros);
            }
            place.keepWritten(32);
        }
        assertAtRest(loop);
        loop.clearCache();
        assertAtRest(loop);
    }

    @Test
    void newBlocksHoldNothingOfTheirFormerOwner() throws InterruptedException {
        EngineLoop loop = rig.loop(4, 64);
        Rig.serve(loop, Specs.greedy("secret", Specs.tokens(1, 60), 3));
        try (Reservation reservation = loop.reserve(Specs.greedy("o", Specs.tokens(2, 60), 3))) {
            for (int layer = 0; layer < 4; layer++) {
                for (byte value : bytes(reservation, layer, 0, 4)) {
                    assertEquals(0, value);
                }
            }
        }
    }

    @Test
    void blocksThatAnAnswerGrowsIntoAreEmptyBeyondIt() throws InterruptedException {
        EngineLoop loop = rig.loop(4, 64);
        Rig.serve(loop, Specs.greedy("secret", Specs.tokens(1, 60), 3));
        try (Reservation reservation = loop.reserve(Specs.greedy("g", Specs.tokens(2, 30), 8))) {
            Recorder recorder = new Recorder();
            loop.prefill(reservation, recorder, true);
            recorder.await();
            // 30 + 8 tokens, of which the last was never computed: 5 rows of block 2.
            byte[] block = bytes(reservation, 1, 2, 1);
            int rowBytes = 16 * 2;
            for (int kvOrHead = 0; kvOrHead < 4; kvOrHead++) {
                int start = kvOrHead * 16 * rowBytes;
                for (int i = 0; i < 16 * rowBytes; i += rowBytes) {
                    boolean empty =
                            java.util.Arrays.equals(
                                    block,
                                    start + i,
                                    start + i + rowBytes,
                                    new byte[rowBytes],
                                    0,
                                    rowBytes);
                    assertEquals(i >= 5 * rowBytes, empty, "row " + i / rowBytes);
                }
            }
        }
    }

    @Test
    void statsTellReservedFromActive() throws InterruptedException {
        EngineLoop loop = rig.loop(50, 64);
        KvLayout layout = rig.weights.config().kvLayout(io.baton.common.kv.KvDtype.BF16, 16);
        try (Reservation reservation = loop.reserve(Specs.greedy("s", Specs.tokens(1, 40), 1))) {
            assertEquals(layout, reservation.layout());
            assertEquals(3, loop.stats().reservedBlocks());
            assertEquals(47, loop.stats().freeBlocks());
            Recorder recorder = new Recorder();
            loop.prefill(reservation, recorder, false);
            recorder.await();
            assertEquals(3, loop.stats().activeBlocks());
            assertEquals(0, loop.stats().reservedBlocks());
        }
        assertEquals(2, loop.stats().cachedBlocks());
        loop.clearCache();
        assertEquals(0, loop.stats().cachedBlocks());
        assertAtRest(loop);
        EngineLoop.Counters counters = loop.counters();
        assertEquals(40, counters.prefillTokens());
        assertEquals(1, counters.sampledTokens());
        assertTrue(counters.stepNanos() > 0);
        assertEquals(1, loop.stats().steps());
    }

    /** 64 known tokens fill their blocks, so that the given one needs another. */
    @ParameterizedTest
    @ValueSource(ints = {64, 70})
    void aGivenTokenIsNotSampledAgainThoughTheRestIsComputedHere(int known) throws Exception {
        EngineLoop from = rig.loop(100, 64);
        EngineLoop to = rig.loop(100, 64);
        SequenceSpec spec = Specs.greedy("g", Specs.tokens(1, known), 6);
        try (Reservation source = from.reserve(spec);
                Reservation place = to.reserve(spec)) {
            Recorder recorder = new Recorder();
            from.prefill(source, recorder, true);
            Outcome whole = recorder.await();
            for (int layer = 0; layer < place.layout().layers(); layer++) {
                copy(source, place, layer, 0, 2);
            }
            place.keepWritten(32);
            TokenOutput given = new TokenOutput(0, whole.ids().getFirst(), -1, List.of(), null);
            Recorder rest = new Recorder();
            to.resume(place, given, rest);
            Outcome outcome = rest.await();
            assertEquals(whole.ids(), outcome.ids());
            assertEquals(
                    whole.logits().subList(1, whole.logits().size()),
                    outcome.logits().subList(1, outcome.logits().size()));
        }
        awaitAtRest(from);
        awaitAtRest(to);
    }

    @Test
    void withoutABlockForTheGivenTokenTheReservationIsRefused() {
        EngineLoop loop = rig.loop(5, 64);
        try (Reservation place = loop.reserve(Specs.greedy("n", Specs.tokens(1, 64), 6));
                Reservation other = loop.reserve(Specs.greedy("o", Specs.tokens(2, 16), 6))) {
            assertEquals(0, other.heldTokens());
            TokenOutput given = new TokenOutput(0, 3, -1, List.of(), null);
            BatonException e =
                    assertThrows(
                            BatonException.class, () -> loop.resume(place, given, new Recorder()));
            assertEquals(ErrorCode.KV_POOL_EXHAUSTED, e.code());
        }
        assertAtRest(loop);
    }
}

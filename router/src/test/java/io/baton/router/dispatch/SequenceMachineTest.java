package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.testkit.ManualTicker;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.fake.FakeModel;
import io.baton.router.route.ClusterSnapshot;
import io.baton.router.route.Decision;
import io.baton.router.route.LeastWork;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.RouteConfig;
import io.baton.router.route.WorkerRole;
import io.baton.router.route.WorkerView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Each transition of the state machine, on a clock that only the test moves. */
class SequenceMachineTest {
    private static final RouteConfig CONFIG = new RouteConfig(0, 8, 1, 1000, 0.02);
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8};
    private static final int MAX_TOKENS = 4;
    private static final Duration SILENCE = Duration.ofSeconds(2);

    private final ManualTicker ticker = new ManualTicker();
    private final FakeLegs legs = new FakeLegs();
    private final List<WorkerView> workers = new ArrayList<>();
    private final List<String> heard = new ArrayList<>();
    private final List<String> stalls = new ArrayList<>();
    private RetryBudget budget = new RetryBudget(0.2, 10, 10);
    private @Nullable BatonException sinkFails;

    private final Routing routing =
            new Routing() {
                private final LeastWork policy = new LeastWork();

                @Override
                public Decision decide(RequestFeatures features) {
                    return policy.decide(features, new ClusterSnapshot(workers), CONFIG);
                }

                @Override
                public Decision.Routed decidePrefill(RequestFeatures features, WorkerView decoder) {
                    return policy.decidePrefill(
                            features, decoder, new ClusterSnapshot(workers), CONFIG);
                }

                @Override
                public Map<String, Integer> held() {
                    return Map.of();
                }

                @Override
                public void placed(WorkerView worker) {}
            };

    private final SequenceSink sink =
            new SequenceSink() {
                @Override
                public void prompt(int choice, PromptTokens tokens) {
                    heard.add("prompt of " + tokens.getTokensCount());
                }

                @Override
                public void token(int choice, Token token) {
                    if (sinkFails != null) {
                        throw sinkFails;
                    }
                    heard.add(token.getIndex() + ":" + token.getId());
                }

                @Override
                public void finished(int choice, Finished finished) {
                    heard.add(finished.getReason() + finished.getText());
                }
            };

    private final SequenceMachine.Counters counters =
            new SequenceMachine.Counters() {
                @Override
                public void decided(boolean local) {}

                @Override
                public void retried(String leg, ErrorCode why) {}

                @Override
                public void stalled(String leg) {
                    stalls.add(leg);
                }
            };

    private WorkerView add(String id, WorkerRole role) {
        WorkerView view =
                new WorkerView(
                        id,
                        1,
                        role,
                        "kv",
                        16,
                        "",
                        new WorkerView.Load(16, 0, 0, 0, 1000, 1000, 0.02));
        workers.add(view);
        return view;
    }

    private void lose(String id) {
        workers.removeIf(worker -> worker.id().equals(id));
    }

    private SequenceMachine machine() {
        return machine(SamplingParams.greedy(MAX_TOKENS));
    }

    private SequenceMachine machine(SamplingParams sampling) {
        SequenceMachine machine =
                new SequenceMachine(
                        new SequenceRequest(
                                "r",
                                0,
                                PROMPT,
                                sampling,
                                new SequenceRequest.Context("fp", ByteString.EMPTY, false, ""),
                                List.of(),
                                ticker.nanos() + Duration.ofSeconds(60).toNanos()),
                        new SequenceMachine.Ports(
                                legs, routing, sink, event -> {}, ticker, counters),
                        new SequenceMachine.Bounds(
                                3, Duration.ofSeconds(1).toNanos(), SILENCE.toNanos(), budget),
                        new Emitted(FakeModel.INSTANCE.tokenizer()));
        machine.start();
        return machine;
    }

    private SequenceMachine remote() {
        add("d", WorkerRole.DECODER);
        add("p", WorkerRole.PREFILLER);
        return machine();
    }

    private FakeLegs.Decode decode() {
        return legs.decodes.getLast();
    }

    private FakeLegs.Prefill prefill() {
        return legs.prefills.getLast();
    }

    private static void assertFailed(ErrorCode code, SequenceMachine machine) {
        assertTrue(machine.isOver());
        assertEquals(code, machine.error() == null ? null : machine.error().code());
    }

    @Test
    void theWholeWayThroughTwoWorkers() {
        SequenceMachine machine = remote();
        assertFalse(decode().start.getLocalPrefill());
        assertTrue(legs.prefills.isEmpty(), "no prefill before there is a place to go");
        machine.on(decode().ticket(1));
        assertEquals("p", prefill().worker.id());
        machine.on(prefill().firstToken(0, 9));
        assertEquals(List.of("0:9"), heard, "the prefiller's token is out at once");
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(decode().token(1, 8));
        machine.on(prefill().done(3));
        machine.on(decode().finished());
        assertTrue(machine.isOver());
        assertNull(machine.error());
        assertEquals(List.of("0:9", "1:8", "length"), heard);
        assertEquals(List.of(Outcome.SUCCEEDED), decode().ends);
        assertEquals(List.of(Outcome.SUCCEEDED), prefill().ends);
        assertEquals(3, machine.ledger().cached());
        assertEquals(5, decode().consumed, "each event of the decoder makes room for another");
    }

    @Test
    void localPrefillOnAColocatedWorker() {
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        assertTrue(decode().start.getLocalPrefill());
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        assertEquals(List.of("0:9", "length"), heard);
        assertTrue(legs.prefills.isEmpty());
    }

    @Test
    void aReportedPromptStaysWithTheDecoderAndIsNotReportedAgainOnceTokensAreOut() {
        add("d1", WorkerRole.DECODER);
        add("d2", WorkerRole.DECODER);
        add("d3", WorkerRole.DECODER);
        add("p", WorkerRole.PREFILLER);
        SequenceMachine machine = machine(SamplingParams.greedy(MAX_TOKENS).withPromptLogprobs(2));
        assertTrue(decode().start.getLocalPrefill());
        machine.on(decode().promptTokens(1, 4));
        machine.on(decode().died());
        assertTrue(decode().start.getLocalPrefill());
        assertEquals(2, decode().start.getSpec().getSampling().getPromptLogprobs());
        machine.on(decode().promptTokens(1, 5));
        machine.on(decode().token(0, 9));
        assertEquals(List.of("prompt of 3", "prompt of 4", "0:9"), heard);
    }

    @Test
    void theEndWaitsAMomentForThePrefillersReport() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        assertFalse(machine.isOver());
        machine.on(prefill().done(5));
        assertTrue(machine.isOver());
        assertEquals(5, machine.ledger().cached());
    }

    @Test
    void butNoLongerThanThat() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        ticker.advance(Duration.ofMillis(100));
        assertTrue(machine.wakeAtNanos() - ticker.nanos() <= 0);
        machine.on(new LegEvent.Woken());
        assertTrue(machine.isOver());
        assertNull(machine.error());
        assertEquals(List.of(Outcome.CANCELLED), prefill().ends);
    }

    @Test
    void aDeadPrefillerIsReplacedUnderANewEpoch() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        add("p2", WorkerRole.PREFILLER);
        lose("p");
        FakeLegs.Prefill first = prefill();
        machine.on(first.died());
        assertEquals(List.of(Outcome.FAILED), first.ends);
        assertEquals(List.of("2 remote"), decode().retickets);
        assertEquals(1, legs.prefills.size(), "not before the new ticket");
        machine.on(decode().ticket(1));
        assertEquals(1, legs.prefills.size(), "a ticket of the old epoch counts nothing");
        machine.on(decode().ticket(2));
        assertEquals("p2", prefill().worker.id());
        assertEquals(2, prefill().request.getSpec().getEpoch());
        machine.on(first.firstToken(0, 99));
        assertTrue(heard.isEmpty(), "the old leg counts nothing");
    }

    @Test
    void withoutAnotherPrefillerTheDecoderPrefills() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(prefill().failure(ErrorCode.INTERNAL));
        assertEquals(List.of("2 local"), decode().retickets);
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        assertNull(machine.error());
        assertEquals(1, legs.decodes.size());
    }

    @Test
    void aTransferThatTheDecoderSawFailGetsANewTicket() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().failure(ErrorCode.KV_TRANSFER_FAILED));
        assertEquals(List.of("2 local"), decode().retickets);
        assertEquals(List.of(Outcome.FAILED), prefill().ends, "the other leg is told at once");
    }

    /** Found by thought: one dead prefiller is seen by the router and by the decoder. */
    @Test
    void theDecodersWordOnATransferThatWasGivenUpCountsNothing() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        LegEvent late = decode().failure(ErrorCode.KV_TRANSFER_FAILED);
        machine.on(prefill().died());
        assertEquals(List.of("2 local"), decode().retickets);
        machine.on(late);
        assertEquals(1, legs.decodes.size(), "the decoder is at work under epoch 2");
        assertEquals(List.of("2 local"), decode().retickets);
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        assertNull(machine.error());
    }

    @Test
    void aPrefillerThatDiesAfterItsWorkChangesNothing() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        machine.on(prefill().died());
        assertTrue(decode().retickets.isEmpty());
        machine.on(decode().token(0, 9));
        machine.on(decode().finished());
        assertTrue(machine.isOver());
        assertNull(machine.error());
    }

    @Test
    void aDeadDecoderIsReplacedAndForcedToTheEmittedTokens() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(decode().token(1, 8));
        FakeLegs.Decode first = decode();
        add("d2", WorkerRole.DECODER);
        lose("d");
        machine.on(first.died());
        assertEquals(List.of(Outcome.FAILED), first.ends);
        assertEquals(List.of(Outcome.CANCELLED), legs.prefills.getFirst().ends);
        assertEquals("d2", decode().worker.id());
        assertEquals(List.of(9, 8), decode().start.getSpec().getEmittedList());
        assertEquals(2, decode().start.getSpec().getEpoch());
        machine.on(first.token(2, 77));
        machine.on(decode().ticket(2));
        assertEquals(List.of(9, 8), prefill().request.getSpec().getEmittedList());
        machine.on(prefill().firstToken(2, 7));
        machine.on(decode().transferDone());
        machine.on(decode().token(3, 6));
        machine.on(prefill().done(0));
        machine.on(decode().finished());
        assertEquals(List.of("0:9", "1:8", "2:7", "3:6", "length"), heard);
    }

    @Test
    void anAnswerThatWasCompleteNeedsNoOtherDecoder() {
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        for (int i = 0; i < MAX_TOKENS; i++) {
            machine.on(decode().token(i, FakeModel.INSTANCE.letter(i)));
        }
        lose("c");
        machine.on(decode().died());
        assertTrue(machine.isOver());
        assertNull(machine.error());
        assertEquals("length", heard.getLast().substring(0, 6));
        assertEquals(1, legs.decodes.size());
    }

    @Test
    void aLostDecoderWithoutAnotherIsOneTypedError() {
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().token(0, 9));
        lose("c");
        machine.on(decode().died());
        assertFailed(ErrorCode.WORKER_LOST, machine);
        machine.on(decode().finished());
        assertEquals(List.of("0:9"), heard, "nothing follows the end");
    }

    @Test
    void twoDeadWorkersEndTheRequest() {
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().died());
        machine.on(decode().died());
        assertFailed(ErrorCode.WORKER_LOST, machine);
        assertEquals(2, legs.decodes.size());
    }

    @Test
    void attemptsAreBounded() {
        for (String id : List.of("a", "b", "c", "d")) {
            add(id, WorkerRole.COLOCATED);
        }
        SequenceMachine machine = machine();
        for (int i = 0; i < 3; i++) {
            machine.on(decode().failure(ErrorCode.INTERNAL));
        }
        assertFailed(ErrorCode.INTERNAL, machine);
        assertEquals(3, legs.decodes.size());
    }

    @Test
    void retriesNeedBudget() {
        budget = new RetryBudget(0.2, 0, 10);
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().died());
        assertFailed(ErrorCode.WORKER_LOST, machine);
        assertEquals(1, legs.decodes.size());
    }

    @Test
    void aDecoderWithoutRoomCostsNoRetry() {
        budget = new RetryBudget(0.2, 0, 10);
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        FakeLegs.Decode full = decode();
        machine.on(full.failure(ErrorCode.KV_POOL_EXHAUSTED));
        assertEquals(List.of(Outcome.CANCELLED), full.ends, "it is no fault of the worker");
        assertEquals(2, legs.decodes.size());
        assertFalse(decode().worker.id().equals(full.worker.id()));
    }

    @Test
    void whenAllAreFullItWaitsTriesAgainAndThenGivesUp() {
        add("a", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().failure(ErrorCode.KV_POOL_EXHAUSTED));
        assertEquals(1, legs.decodes.size());
        ticker.advance(Duration.ofMillis(25));
        machine.on(new LegEvent.Woken());
        assertEquals(2, legs.decodes.size());
        int woken = 0;
        while (!machine.isOver()) {
            machine.on(decode().failure(ErrorCode.KV_POOL_EXHAUSTED));
            ticker.advanceNanos(Math.max(0, machine.wakeAtNanos() - ticker.nanos()));
            machine.on(new LegEvent.Woken());
            assertTrue(woken++ < 20, "the wait is bounded");
        }
        assertFailed(ErrorCode.KV_POOL_EXHAUSTED, machine);
    }

    @Test
    void theClientsFaultIsNotRetried() {
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().failure(ErrorCode.INVALID_VALUE));
        assertFailed(ErrorCode.INVALID_VALUE, machine);
        assertEquals(1, legs.decodes.size());
    }

    @Test
    void aGapInTheTokensIsAFaultOfTheWorker() {
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().token(0, 9));
        machine.on(decode().token(2, 7));
        assertEquals(List.of("0:9"), heard);
        assertEquals(2, legs.decodes.size());
        assertEquals(List.of(9), decode().start.getSpec().getEmittedList());
    }

    @Test
    void repeatedTokensAreTakenOnce() {
        add("a", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().token(0, 9));
        machine.on(decode().token(0, 9));
        machine.on(decode().token(0, 5));
        machine.on(decode().token(1, 8));
        assertEquals(List.of("0:9", "1:8"), heard);
    }

    @Test
    void aCancelEndsBothLegsAtOnce() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(new LegEvent.Cancelled());
        assertFailed(ErrorCode.CLIENT_CLOSED, machine);
        assertEquals(List.of(Outcome.CANCELLED), decode().ends);
        assertEquals(List.of(Outcome.CANCELLED), prefill().ends);
    }

    @Test
    void aSinkThatThrowsEndsBothLegs() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        sinkFails = new BatonException(ErrorCode.CLIENT_CLOSED, "gone");
        machine.on(prefill().firstToken(0, 9));
        assertFailed(ErrorCode.CLIENT_CLOSED, machine);
        assertEquals(List.of(Outcome.CANCELLED), decode().ends);
        assertEquals(List.of(Outcome.CANCELLED), prefill().ends);
    }

    @Test
    void theDeadlineEndsIt() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        ticker.advance(Duration.ofSeconds(60));
        assertTrue(machine.wakeAtNanos() - ticker.nanos() <= 0);
        machine.on(new LegEvent.Woken());
        assertFailed(ErrorCode.DEADLINE_EXCEEDED, machine);
        assertEquals(List.of(Outcome.CANCELLED), decode().ends);
    }

    @Test
    void withoutADecoderItFailsAtOnce() {
        SequenceMachine machine = machine();
        assertFailed(ErrorCode.NO_WORKER, machine);
    }

    // ---- silence ----

    /** Lets time pass as the runner does: the machine is woken when it asked to be. */
    private void pass(SequenceMachine machine, Duration time) {
        long until = ticker.nanos() + time.toNanos();
        while (!machine.isOver() && machine.wakeAtNanos() - until <= 0) {
            ticker.advanceNanos(Math.max(0, machine.wakeAtNanos() - ticker.nanos()));
            machine.on(new LegEvent.Woken());
        }
        ticker.advanceNanos(Math.max(0, until - ticker.nanos()));
    }

    @Test
    void workersAreAskedForFourSignsWithinTheLimit() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        assertEquals(500, decode().start.getSpec().getAliveMillis());
        assertEquals(500, prefill().request.getSpec().getAliveMillis());
    }

    @Test
    void aDecoderThatSaysNothingAtAllIsLostLikeADeadOne() {
        SequenceMachine machine = remote();
        FakeLegs.Decode silent = decode();
        add("d2", WorkerRole.DECODER);
        pass(machine, SILENCE.minusNanos(1));
        assertEquals(1, legs.decodes.size());
        pass(machine, Duration.ofNanos(1));
        assertEquals(List.of(Outcome.FAILED), silent.ends, "it is cancelled explicitly");
        assertEquals("d2", decode().worker.id());
        assertEquals(2, decode().start.getSpec().getEpoch());
        assertEquals(List.of("decode"), stalls);
    }

    @Test
    void aDecoderThatFallsSilentWhileItWaitsForKvTakesThePrefillLegWithIt() {
        SequenceMachine machine = remote();
        FakeLegs.Decode silent = decode();
        machine.on(silent.ticket(1));
        add("d2", WorkerRole.DECODER);
        for (int i = 0; i < 3; i++) {
            pass(machine, SILENCE.dividedBy(4));
            machine.on(prefill().alive(i, true));
        }
        FakeLegs.Prefill first = prefill();
        pass(machine, SILENCE.dividedBy(4));
        assertEquals(List.of(Outcome.FAILED), silent.ends);
        assertEquals(List.of(Outcome.CANCELLED), first.ends, "the other leg is told");
        assertEquals("d2", decode().worker.id());
    }

    @Test
    void aDecoderThatFallsSilentMidAnswerIsReplacedAndForcedToTheEmittedTokens() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(prefill().done(0));
        pass(machine, SILENCE.minusMillis(1));
        machine.on(decode().token(1, 8));
        add("d2", WorkerRole.DECODER);
        pass(machine, SILENCE.minusMillis(1));
        assertEquals(1, legs.decodes.size(), "every word counts as life");
        pass(machine, Duration.ofMillis(1));
        assertEquals("d2", decode().worker.id());
        assertEquals(List.of(9, 8), decode().start.getSpec().getEmittedList());
    }

    @Test
    void aSilentPrefillerIsReplacedAndTheDecoderGivesANewTicket() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        add("p2", WorkerRole.PREFILLER);
        FakeLegs.Prefill silent = prefill();
        for (int i = 0; i < 3; i++) {
            pass(machine, SILENCE.dividedBy(4));
            machine.on(decode().alive(0, false));
        }
        assertTrue(decode().retickets.isEmpty());
        pass(machine, SILENCE.dividedBy(4));
        assertEquals(List.of(Outcome.FAILED), silent.ends);
        assertEquals(List.of("2 remote"), decode().retickets);
        assertEquals(List.of("prefill"), stalls);
        machine.on(decode().ticket(2));
        assertEquals("p2", prefill().worker.id());
        machine.on(decode().transferDone());
        machine.on(decode().token(0, 9));
        machine.on(prefill().done(0));
        machine.on(decode().finished());
        assertNull(machine.error());
    }

    @Test
    void aPrefillerThatFallsSilentAfterItsWorkChangesNothing() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(decode().transferDone());
        for (int i = 0; i < 5; i++) {
            pass(machine, SILENCE.dividedBy(4));
            machine.on(decode().token(i, 9));
        }
        assertTrue(decode().retickets.isEmpty());
        assertEquals(1, legs.decodes.size());
        assertEquals(List.of(Outcome.FAILED), prefill().ends);
    }

    /** Queued for admission, a long prompt, a slow model: none of them is silence. */
    @Test
    void longWaitsWithSignsOfLifeNeverEnd() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        for (int i = 0; i < 100; i++) {
            pass(machine, SILENCE.dividedBy(4));
            machine.on(decode().alive(0, false));
            machine.on(prefill().alive(i, true));
        }
        assertFalse(machine.isOver());
        assertTrue(stalls.isEmpty());
        assertEquals(1, legs.decodes.size());
        assertEquals(1, legs.prefills.size());
        assertEquals(101, decode().consumed, "signs of life make room for others, too");
        assertEquals(100, prefill().consumed);
    }

    @Test
    void aStepMayTakeAsLongAsTheWorkerSays() {
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        FakeLegs.Decode stuck = decode();
        long signs = FakeLegs.STEP_LIMIT_MILLIS / 500;
        for (int i = 0; i <= signs; i++) {
            pass(machine, Duration.ofMillis(500));
            machine.on(stuck.alive(7, true));
        }
        assertTrue(stuck.ends.isEmpty());
        add("c2", WorkerRole.COLOCATED);
        pass(machine, Duration.ofMillis(500));
        machine.on(stuck.alive(7, true));
        assertEquals(List.of(Outcome.FAILED), stuck.ends, "signs of life of a stuck engine");
        assertEquals("c2", decode().worker.id());
        assertEquals(List.of("decode"), stalls);
    }

    @Test
    void anEngineThatNobodyWaitsForNeedNotStep() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        for (int i = 0; i < 100; i++) {
            pass(machine, Duration.ofMillis(500));
            machine.on(decode().alive(7, false));
            machine.on(prefill().alive(i, true));
        }
        machine.on(decode().transferDone());
        machine.on(decode().alive(7, true));
        assertTrue(stalls.isEmpty(), "the wait begins when the call is on the engine");
    }

    /** A pause of the router's own, or a client that did not read: the words are there, unread. */
    @Test
    void aLateLookProvesNothing() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        ticker.advance(SILENCE.multipliedBy(5));
        machine.on(new LegEvent.Woken());
        assertTrue(decode().ends.isEmpty());
        assertTrue(prefill().ends.isEmpty());
        add("d2", WorkerRole.DECODER);
        pass(machine, SILENCE);
        assertEquals(List.of(Outcome.FAILED), legs.decodes.getFirst().ends, "but the next does");
    }

    @Test
    void twoSilentWorkersEndTheRequest() {
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        add("c", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        pass(machine, SILENCE.multipliedBy(3));
        assertFailed(ErrorCode.WORKER_LOST, machine);
        assertEquals(2, legs.decodes.size());
        assertEquals(List.of("decode", "decode"), stalls);
    }
}

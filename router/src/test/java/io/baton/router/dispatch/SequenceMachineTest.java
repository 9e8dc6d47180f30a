package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.fake.FakeModel;
import io.baton.router.route.WorkerRole;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Each transition of the state machine. */
class SequenceMachineTest extends SequenceMachineTests {
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
        machine.on(decode().token(1, 8));
        assertEquals(List.of("0:9", "1:8"), heard);
    }

    /** Its next tokens would follow from one that the client never saw. */
    @Test
    void aWorkerThatGoesOnFromAnotherTokenIsReplaced() {
        add("a", WorkerRole.COLOCATED);
        add("b", WorkerRole.COLOCATED);
        SequenceMachine machine = machine();
        machine.on(decode().token(0, 9));
        machine.on(decode().token(0, 5));
        assertEquals(2, legs.decodes.size());
        assertEquals(List.of(9), decode().start.getSpec().getEmittedList());
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

    @Test
    void aDecoderComputesTheRestWhereTheLinkIsTooSlow() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        LegEvent late = decode().failure(ErrorCode.KV_TRANSFER_FAILED);
        machine.on(prefill().firstToken(0, 99));
        machine.on(prefill().recompute());
        assertEquals(List.of("2 local given 99"), decode().retickets);
        assertEquals(List.of(Outcome.SUCCEEDED), prefill().ends, "it has done nothing wrong");
        machine.on(late);
        machine.on(decode().token(0, 99));
        machine.on(decode().token(1, 7));
        machine.on(decode().finished());
        assertTrue(machine.isOver());
        assertNull(machine.error());
        Map<String, Object> ledger = machine.ledger().toMap(false);
        assertEquals(1, ledger.get("attempts"), "text is no failure");
        assertEquals(true, ledger.get("recomputed"));
        assertEquals(77L, ledger.get("sent_bytes"));
        assertEquals("E0", ledger.get("class"));
    }

    @Test
    void textThatComesAfterAllKvCountsNothing() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(prefill().firstToken(0, 99));
        machine.on(decode().transferDone());
        machine.on(prefill().recompute());
        assertTrue(decode().retickets.isEmpty());
        machine.on(decode().token(0, 99));
        machine.on(decode().finished());
        assertNull(machine.error());
    }

    @Test
    void aPrefillerLostAfterItsFirstTokenIsReplacedWithoutChoosingItAgain() {
        SequenceMachine machine = remote();
        machine.on(decode().ticket(1));
        machine.on(prefill().firstToken(0, 99));
        machine.on(prefill().died());
        assertEquals(List.of("2 local given 99"), decode().retickets);
    }
}

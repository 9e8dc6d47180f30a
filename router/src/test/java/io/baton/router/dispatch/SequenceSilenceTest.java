package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.ErrorCode;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.route.WorkerRole;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Legs that are silent though their connection stands, and waits that only look like it. */
class SequenceSilenceTest extends SequenceMachineTests {
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

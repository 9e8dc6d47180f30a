package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.TokenOutput;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.SentAs;
import io.baton.common.proto.Token;
import io.baton.engine.SequenceListener;
import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Moment;
import io.baton.kv.adapt.Reason;
import io.baton.kv.transfer.KvSenders.StreamPolicy;
import io.baton.prefiller.PrefillState.Computing;
import io.baton.prefiller.PrefillState.Ended;
import io.baton.prefiller.PrefillState.Queued;
import io.baton.prefiller.PrefillerRig.FakeSenders.Part;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One test for each transition of {@link PrefillState}, and what is sent when. */
@Timeout(60)
class PrefillAttemptTest {
    private static final int KNOWN = PrefillerRig.PROMPT.length();

    private final PrefillerRig rig = new PrefillerRig();

    @AfterEach
    void close() {
        rig.close();
    }

    private static TokenOutput token(char c) {
        return new TokenOutput(0, c, -0.25f, List.of(), null);
    }

    private static void layers(SequenceListener engine, int from, int to) {
        for (int layer = 0; layer < PrefillerRig.LAYOUT.layers(); layer++) {
            engine.onLayer(layer, from, to);
        }
    }

    private void offered(int parts) throws InterruptedException {
        assertTrue(rig.senders.offered.tryAcquire(parts, 20, TimeUnit.SECONDS));
    }

    /** The blocks are freed, on the pusher's thread. */
    private void assertFreed() throws InterruptedException {
        assertTrue(rig.engine.closes.tryAcquire(20, TimeUnit.SECONDS));
        PrefillerRig.await(rig.senders.closed);
        assertEquals(0, rig.engine.openPlaces.get());
        // The mailbox may count a moment after the pusher has freed.
        long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (rig.registry.get("baton.attempts").gauge().value() != 0) {
            assertTrue(System.nanoTime() < limit, "the attempt is counted as ended");
            Thread.onSpinWait();
        }
    }

    @Test
    void fromOpeningToEndedEverythingIsSentOnceAsSoonAsItIsReady() throws Exception {
        PrefillAttempt attempt = rig.start(0);
        SequenceListener engine = rig.engine.hears();
        assertInstanceOf(Queued.class, attempt.state());
        rig.time.advance(1000);
        engine.onStarted();
        assertEquals(1000, rig.event().getStarted().getQueueNanos());
        assertInstanceOf(Computing.class, attempt.state());
        engine.onLayer(0, 0, 40);
        // Two whole blocks; the third holds 8 of 16 tokens so far.
        offered(1);
        assertEquals(List.of(new Part(0, 0, 2)), rig.senders.parts);
        engine.onLayer(1, 0, 40);
        layers(engine, 40, KNOWN);
        rig.time.advance(2000);
        assertTrue(engine.onToken(token('A')));
        Token first = rig.event().getFirstToken();
        assertEquals('A', first.getId());
        assertEquals("A", first.getText());
        PrefillDone done = rig.event().getDone();
        assertEquals(1000, done.getQueueNanos());
        assertEquals(2000, done.getPrefillNanos());
        assertEquals(KNOWN, done.getComputedTokens());
        assertEquals(4711, done.getPayloadBytes());
        assertEquals(0, done.getSavedBytes());
        PrefillerRig.await(rig.completed);
        int blocks = rig.senders.parts.stream().mapToInt(Part::blocks).sum();
        assertEquals(2 * 4, blocks, "each block of each layer once");
        assertTrue(
                rig.senders.parts.stream().allMatch(p -> p.firstBlock() / 2 == p.lastBlock() / 2));
        byte[] trailer = rig.senders.trailer;
        assertNotNull(trailer);
        assertEquals('A', Token.parseFrom(trailer).getId());
        assertFreed();
        assertInstanceOf(Ended.class, attempt.state());
    }

    @Test
    void whatTheDecoderHoldsIsNotSent() throws Exception {
        rig.start(32);
        SequenceListener engine = rig.engine.hears();
        engine.onStarted();
        layers(engine, 0, KNOWN);
        engine.onToken(token('A'));
        rig.event();
        rig.event();
        PrefillDone done = rig.event().getDone();
        assertEquals(2 * PrefillerRig.LAYOUT.blockBytes(), done.getSavedBytes());
        assertTrue(rig.senders.parts.stream().allMatch(part -> part.firstBlock() >= 2));
        assertEquals(4, rig.senders.parts.stream().mapToInt(Part::blocks).sum());
    }

    @Test
    void ownCachedBlocksAreSentBeforeTheEngineStarts() throws Exception {
        rig.engine.heldTokens = 48;
        rig.start(0);
        rig.engine.hears();
        offered(4);
        assertEquals(6, rig.senders.parts.stream().mapToInt(Part::blocks).sum());
    }

    @Test
    void aFullChannelIsWaitedFor() throws Exception {
        rig.senders.full = true;
        rig.start(0);
        SequenceListener engine = rig.engine.hears();
        engine.onStarted();
        layers(engine, 0, KNOWN);
        engine.onToken(token('A'));
        assertTrue(rig.senders.refusals.tryAcquire(3, 20, TimeUnit.SECONDS));
        assertTrue(rig.senders.parts.isEmpty());
        rig.senders.full = false;
        rig.event();
        rig.event();
        assertTrue(rig.event().hasDone());
    }

    @Test
    void aSignOfLifeTellsWhetherItWaitsForTheEngine() throws Exception {
        PrefillAttempt attempt = rig.start(0);
        SequenceListener engine = rig.engine.hears();
        rig.inMailbox(attempt::sayAlive);
        assertTrue(rig.event().getAlive().getOnEngine(), "queued");
        engine.onStarted();
        rig.event();
        rig.inMailbox(attempt::sayAlive);
        assertTrue(rig.event().getAlive().getOnEngine(), "computing");
        rig.senders.full = true;
        layers(engine, 0, KNOWN);
        engine.onToken(token('A'));
        rig.event();
        rig.inMailbox(attempt::sayAlive);
        PrefillEvent flushing = rig.event();
        assertFalse(flushing.getAlive().getOnEngine(), "all that is left is sending");
        assertEquals(30_000, flushing.getAlive().getStepLimitMillis());
        rig.senders.full = false;
        assertTrue(rig.event().hasDone());
    }

    @Test
    void openingToEndedWhenTheDecoderCannotBeReached() throws Exception {
        rig.senders.refusal = new BatonException(ErrorCode.KV_TRANSFER_FAILED, "refused");
        rig.start(0);
        assertEquals("kv_transfer_failed", rig.event().getFailure().getCode());
        PrefillerRig.await(rig.completed);
        assertEquals(0, rig.engine.openPlaces.get());
    }

    @Test
    void openingToEndedWhenThePoolIsFull() throws Exception {
        rig.engine.refusal = new BatonException(ErrorCode.KV_POOL_EXHAUSTED, "full");
        rig.start(0);
        assertEquals("kv_pool_exhausted", rig.event().getFailure().getCode());
        PrefillerRig.await(rig.senders.closed);
    }

    @Test
    void aBugWhileReservingLeavesNoTransferOpen() throws Exception {
        rig.engine.refusal = new IllegalStateException("a bug");
        PrefillAttempt attempt = rig.start(0);
        PrefillerRig.await(rig.senders.closed);
        rig.inMailbox(() -> attempt.fail(new BatonException(ErrorCode.INTERNAL, "a bug")));
        assertEquals("internal_error", rig.event().getFailure().getCode());
    }

    @Test
    void cancelEndsEveryStateAndFreesAll() throws Exception {
        for (int progress = 0; progress < 4; progress++) {
            try (PrefillerRig fresh = new PrefillerRig()) {
                fresh.senders.full = true;
                PrefillAttempt attempt = fresh.start(0);
                SequenceListener engine = fresh.engine.hears();
                if (progress > 0) {
                    engine.onStarted();
                }
                if (progress > 1) {
                    layers(engine, 0, KNOWN);
                }
                if (progress > 2) {
                    engine.onToken(token('A'));
                }
                fresh.inMailbox(attempt::cancel);
                PrefillerRig.await(fresh.completed);
                assertInstanceOf(Ended.class, attempt.state());
                assertTrue(fresh.engine.cancelled);
                assertTrue(fresh.engine.closes.tryAcquire(20, TimeUnit.SECONDS));
                PrefillerRig.await(fresh.senders.closed);
                assertEquals(0, fresh.time.pending());
            }
        }
    }

    @Test
    void aLostChannelEndsTheAttempt() throws Exception {
        rig.start(0);
        rig.engine.hears().onStarted();
        assertTrue(rig.event().hasStarted());
        rig.senders.lose();
        assertEquals("kv_transfer_failed", rig.event().getFailure().getCode());
        assertFreed();
    }

    @Test
    void aClosedTransferEndsTheAttempt() throws Exception {
        rig.senders.gone = true;
        rig.start(0);
        SequenceListener engine = rig.engine.hears();
        layers(engine, 0, KNOWN);
        PrefillEvent event = rig.event();
        assertEquals("kv_transfer_failed", event.getFailure().getCode());
        assertTrue(rig.engine.cancelled);
        assertFreed();
    }

    @Test
    void anEngineErrorEndsTheAttempt() throws Exception {
        rig.start(0);
        rig.engine.hears().onError(new BatonException(ErrorCode.INTERNAL, "broken"));
        assertEquals("internal_error", rig.event().getFailure().getCode());
        assertFreed();
    }

    @Test
    void theDeadlineEndsTheAttempt() throws Exception {
        rig.start(0);
        rig.engine.hears();
        rig.time.advance(TimeUnit.SECONDS.toNanos(60));
        assertEquals("deadline_exceeded", rig.event().getFailure().getCode());
        assertFreed();
    }

    /** A policy that says what it is told to. */
    private static final class Told implements StreamPolicy {
        private static final Reason WHY = new Reason(Reason.Why.FITS, 1e6, 1, 2, 3);
        volatile int way;
        volatile boolean text;
        volatile boolean textWhileWaiting;

        @Override
        public Choice next(Moment moment) {
            return text ? new Choice.Text(WHY) : new Choice.Send(way, WHY);
        }

        @Override
        public Optional<Choice> whileWaiting(Moment moment) {
            return textWhileWaiting ? Optional.of(new Choice.Text(WHY)) : Optional.empty();
        }
    }

    @Test
    void chunksGoTheWayThatThePolicyChooses() throws Exception {
        Told told = new Told();
        rig.senders.ways = List.of("raw", "fine", "coarse");
        rig.senders.policy = told;
        told.way = 1;
        rig.start(0);
        SequenceListener engine = rig.engine.hears();
        engine.onStarted();
        layers(engine, 0, 32);
        offered(2);
        told.way = 2;
        layers(engine, 32, KNOWN);
        engine.onToken(token('A'));
        rig.event();
        rig.event();
        PrefillDone done = rig.event().getDone();
        assertEquals(
                List.of("fine", "coarse"),
                done.getSentList().stream().map(SentAs::getWay).toList());
        assertEquals(
                2L * PrefillerRig.LAYOUT.blockBytes(), done.getSent(0).getRawBytes(), "a chunk");
        assertTrue(done.getChoice().contains("fits"), done.getChoice());
        assertTrue(rig.senders.marks > 0, "the receiver is asked what has come");
        assertFreed();
    }

    @Test
    void whereTextIsSoonerNothingMoreIsSentAndTheTransferStaysOpen() throws Exception {
        Told told = new Told();
        rig.senders.policy = told;
        PrefillAttempt attempt = rig.start(0);
        SequenceListener engine = rig.engine.hears();
        engine.onStarted();
        layers(engine, 0, 32);
        offered(2);
        told.text = true;
        layers(engine, 32, KNOWN);
        rig.event();
        PrefillEvent said = rig.event();
        assertEquals(4711, said.getRecompute().getSoFar().getPayloadBytes());
        assertFalse(said.getRecompute().getWhy().isEmpty());
        assertEquals(4, rig.senders.parts.stream().mapToInt(Part::blocks).sum());
        assertTrue(rig.engine.cancelled, "nothing more is computed");
        assertInstanceOf(PrefillState.Yielded.class, attempt.state());
        assertEquals(1, rig.senders.closed.getCount(), "the router must have its say first");
        rig.inMailbox(attempt::cancel);
        assertFreed();
        assertNull(rig.senders.trailer);
    }

    @Test
    void textIsAlsoChosenWhileTheChannelTakesNothing() throws Exception {
        Told told = new Told();
        rig.senders.policy = told;
        rig.senders.full = true;
        PrefillAttempt attempt = rig.start(0);
        SequenceListener engine = rig.engine.hears();
        engine.onStarted();
        layers(engine, 0, KNOWN);
        assertTrue(rig.senders.refusals.tryAcquire(20, TimeUnit.SECONDS));
        told.textWhileWaiting = true;
        rig.event();
        assertTrue(rig.event().hasRecompute());
        // The decoder forgets the transfer when it begins to compute: no failure of ours.
        rig.senders.lose();
        PrefillerRig.await(rig.completed);
        assertTrue(rig.events.isEmpty());
        assertInstanceOf(Ended.class, attempt.state());
        assertFreed();
    }
}

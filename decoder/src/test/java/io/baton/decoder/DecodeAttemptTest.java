package io.baton.decoder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.testkit.AsciiTokenizer;
import io.baton.decoder.DecodeState.AwaitingReticket;
import io.baton.decoder.DecodeState.Decoding;
import io.baton.decoder.DecodeState.Ended;
import io.baton.decoder.DecodeState.Prefilling;
import io.baton.decoder.DecodeState.WaitingKv;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** One test for each transition of {@link DecodeState}. */
class DecodeAttemptTest {
    private static final int KNOWN = DecoderRig.PROMPT.length();

    private final DecoderRig rig = new DecoderRig("answered.");

    private void assertEndedWith(ErrorCode code) {
        assertEquals(code.code(), rig.last().getFailure().getCode());
        assertEquals(1, rig.completions);
        assertTrue(rig.isClean());
    }

    @Test
    void reservingToWaitingGivesATicket() {
        rig.engine.heldTokens = 16;
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        assertInstanceOf(WaitingKv.class, attempt.state());
        Ticket ticket = rig.last().getTicket();
        FakeReceiver.Transfer transfer = rig.receiver.last();
        assertEquals("tcp://127.0.0.1:7001", ticket.getChannel());
        assertEquals(transfer.id.transfer(), ticket.getTransferId());
        assertEquals(1, ticket.getEpoch());
        assertEquals(DecoderRig.INCARNATION, ticket.getDecoderIncarnation());
        assertEquals("f", ticket.getModelFingerprint());
        assertEquals(10_000, ticket.getLeaseMillis());
        assertEquals(16, ticket.getHeld(0).getTokens());
        assertEquals(
                DecoderRig.keys().keys(AsciiTokenizer.ids(DecoderRig.PROMPT)).get(0).hex(),
                HexFormat.of().formatHex(ticket.getHeld(0).getKey().toByteArray()));
        assertEquals(16, transfer.spec.fromToken());
        assertEquals(KNOWN, transfer.spec.toToken());
        assertEquals(3, rig.engine.stats().reservedBlocks());
        assertEquals(1, rig.registry.get("baton.leases").gauge().value());
    }

    @Test
    void reservingToEndedWhenThePoolIsFull() {
        for (int i = 0; i < 5; i++) {
            rig.attempt().start(false);
        }
        DecodeAttempt refused = rig.attempt();
        refused.start(false);
        assertInstanceOf(Ended.class, refused.state());
        assertEquals("kv_pool_exhausted", rig.last().getFailure().getCode());
        assertEquals(1, rig.completions);
        assertEquals(15, rig.engine.stats().reservedBlocks());
    }

    @Test
    void reservingToPrefillingTellsQueueAndCache() {
        rig.engine.heldTokens = 32;
        DecodeAttempt attempt = rig.attempt();
        attempt.start(true);
        assertInstanceOf(Prefilling.class, attempt.state());
        assertTrue(rig.receiver.transfers.isEmpty());
        rig.time.advance(5000);
        rig.engine.step();
        assertEquals(5000, rig.events.get(0).getStarted().getQueueNanos());
        assertEquals(32, rig.events.get(0).getStarted().getCachedTokens());
        assertInstanceOf(Decoding.class, attempt.state());
    }

    @Test
    void waitingToDecodingWhenAllIsVerified() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().complete(DecoderRig.trailer(0, 'A'));
        assertInstanceOf(Decoding.class, attempt.state());
        assertEquals(1000, rig.last().getTransferDone().getPayloadBytes());
        assertEquals(77, rig.last().getTransferDone().getTransferNanos());
        assertTrue(rig.receiver.last().closed);
        rig.engine.step();
        assertEquals('A', rig.last().getToken().getId(), "the received token is not sampled again");
        assertEquals(0, rig.last().getToken().getIndex());
    }

    @Test
    void decodingToEndedAtTheLengthLimit() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(true);
        rig.engine.runToEnd();
        assertInstanceOf(Ended.class, attempt.state());
        assertEquals("answered", rig.text());
        assertEquals("length", rig.last().getFinished().getReason());
        assertEquals(8, rig.last().getFinished().getCompletionTokens());
        assertFalse(rig.last().getFinished().getHasStopToken());
        assertEquals(1, rig.completions);
        assertTrue(rig.isClean());
    }

    @Test
    void decodingToEndedAtTheEndToken() {
        rig.attempt(DecoderRig.spec(100)).start(true);
        rig.engine.runToEnd();
        assertEquals("answered.", rig.text());
        assertEquals("stop", rig.last().getFinished().getReason());
        assertFalse(rig.last().getFinished().getHasStopToken(), "nobody asked for the end token");
        assertTrue(rig.isClean());
    }

    @Test
    void decodingToEndedAtAStopTextWhichIsHeldBack() {
        rig.attempt(DecoderRig.spec(100, "ered")).start(true);
        rig.engine.runToEnd();
        assertEquals("answ", rig.text());
        assertEquals("stop", rig.last().getFinished().getReason());
        assertEquals("ered", rig.last().getFinished().getStopText());
        assertFalse(rig.last().getFinished().getHasStopToken());
        assertTrue(rig.isClean());
    }

    @Test
    void emittedTokensAreContinuedNotRepeated() {
        // "answ" was emitted, and the stop text begins in it.
        rig.attempt(DecoderRig.spec(100, "swer").addAllEmitted(List.of(97, 110, 115, 119)))
                .start(true);
        rig.engine.runToEnd();
        assertEquals("", rig.text());
        assertEquals("swer", rig.last().getFinished().getStopText());
        assertEquals(4, rig.events.get(1).getToken().getIndex());
        assertEquals(6, rig.last().getFinished().getCompletionTokens());
    }

    @Test
    void waitingToAwaitingReticketOnALostTransfer() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().lose();
        assertInstanceOf(AwaitingReticket.class, attempt.state());
        assertEquals("kv_transfer_failed", rig.last().getFailure().getCode());
        assertEquals(1, rig.last().getEpoch());
        assertEquals(0, rig.completions, "the attempt lives on");
        assertEquals(3, rig.engine.stats().reservedBlocks());
    }

    @Test
    void anUnusableTrailerIsALostTransfer() {
        for (byte[] bad :
                List.of(
                        new byte[] {(byte) 0xff},
                        DecoderRig.trailer(3, 'A'),
                        DecoderRig.trailer(0, 4000))) {
            DecoderRig fresh = new DecoderRig("x");
            DecodeAttempt attempt = fresh.attempt();
            attempt.start(false);
            fresh.receiver.last().complete(bad);
            assertInstanceOf(AwaitingReticket.class, attempt.state());
            assertEquals("kv_transfer_failed", fresh.last().getFailure().getCode());
        }
    }

    @Test
    void awaitingToWaitingKeepsVerifiedBlocks() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        FakeReceiver.Transfer first = rig.receiver.last();
        first.complete = 32;
        first.lose();
        assertTrue(attempt.reticket(reticket(2, false)));
        assertInstanceOf(WaitingKv.class, attempt.state());
        FakeReceiver.Transfer second = rig.receiver.last();
        assertEquals(2, second.id.epoch());
        assertNotEquals(first.id.transfer(), second.id.transfer());
        assertEquals(32, second.spec.fromToken());
        assertEquals(32, rig.last().getTicket().getHeld(0).getTokens());
        // What the old prefiller still says changes nothing.
        int events = rig.events.size();
        first.complete(DecoderRig.trailer(0, 'X'));
        first.lose();
        assertEquals(events, rig.events.size());
        second.complete(DecoderRig.trailer(0, 'a'));
        assertInstanceOf(Decoding.class, attempt.state());
        assertEquals(2, rig.last().getEpoch());
        rig.engine.runToEnd();
        assertEquals("answered", rig.text());
        assertTrue(rig.isClean());
    }

    @Test
    void waitingToWaitingOnAReticketBeforeTheLossIsHeard() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        FakeReceiver.Transfer first = rig.receiver.last();
        first.complete = KNOWN;
        assertTrue(attempt.reticket(reticket(5, false)));
        assertTrue(first.closed);
        assertEquals(32, rig.receiver.last().spec.fromToken(), "the last block is sent again");
        assertEquals(5, rig.last().getTicket().getEpoch());
        assertInstanceOf(WaitingKv.class, attempt.state());
    }

    @Test
    void awaitingToPrefillingOnALocalReticket() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().lose();
        assertTrue(attempt.reticket(reticket(2, true)));
        assertInstanceOf(Prefilling.class, attempt.state());
        rig.engine.runToEnd();
        assertEquals("answered", rig.text());
        assertEquals(2, rig.last().getEpoch());
        assertTrue(rig.isClean());
    }

    @Test
    void aLocalPrefillGoesOnAfterTheVerifiedBlocks() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().complete = KNOWN;
        rig.receiver.last().lose();
        assertTrue(attempt.reticket(reticket(2, true)));
        Prefilling prefilling = assertInstanceOf(Prefilling.class, attempt.state());
        assertEquals(32, prefilling.place().heldTokens(), "the last block is computed");
        rig.engine.runToEnd();
        assertEquals("answered", rig.text());
        assertTrue(rig.isClean());
    }

    @Test
    void awaitingToEndedWhenNobodyIsNamed() {
        rig.attempt().start(false);
        rig.receiver.last().lose();
        rig.time.advance(DecoderRig.LEASE_NANOS);
        assertEndedWith(ErrorCode.KV_TRANSFER_FAILED);
    }

    @Test
    void waitingToEndedWhenNobodySendsWithinTheLease() {
        rig.attempt().start(false);
        rig.time.advance(DecoderRig.LEASE_NANOS);
        assertEndedWith(ErrorCode.KV_TRANSFER_FAILED);
    }

    @Test
    void theLeaseDoesNotEndATransferThatHasBegun() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().begun = true;
        rig.time.advance(3 * DecoderRig.LEASE_NANOS);
        assertInstanceOf(WaitingKv.class, attempt.state());
    }

    @Test
    void decodingAnswersAReticketThatCameTooLate() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().complete(DecoderRig.trailer(0, 'a'));
        assertTrue(attempt.reticket(reticket(2, false)));
        assertTrue(rig.last().hasTransferDone());
        assertEquals(2, rig.last().getEpoch());
        assertEquals(1, rig.receiver.transfers.size(), "no ticket is needed");
        rig.engine.runToEnd();
        assertEquals("answered", rig.text());
    }

    @Test
    void aStaleReticketChangesNothing() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        DecodeState before = attempt.state();
        assertFalse(attempt.reticket(reticket(1, false)));
        assertFalse(attempt.reticket(reticket(0, true)));
        assertEquals(before, attempt.state());
        assertEquals(1, rig.events.size());
    }

    @Test
    void aSecondStartChangesNothing() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        attempt.start(true);
        assertInstanceOf(WaitingKv.class, attempt.state());
        assertEquals(1, rig.receiver.transfers.size());
    }

    @Test
    void cancelEndsEveryStateAndFreesAll() {
        List<Consumer<DecoderRig>> ways =
                List.of(
                        r -> {},
                        r -> r.receiver.last().lose(),
                        r -> r.receiver.last().complete(DecoderRig.trailer(0, 'a')));
        for (Consumer<DecoderRig> way : ways) {
            DecoderRig fresh = new DecoderRig("text");
            DecodeAttempt attempt = fresh.attempt();
            attempt.start(false);
            way.accept(fresh);
            assertCancelFrees(fresh, attempt);
        }
        for (int steps = 0; steps < 3; steps++) {
            DecoderRig fresh = new DecoderRig("text");
            DecodeAttempt attempt = fresh.attempt();
            attempt.start(true);
            for (int i = 0; i < steps; i++) {
                fresh.engine.step();
            }
            assertCancelFrees(fresh, attempt);
        }
        DecoderRig fresh = new DecoderRig("text");
        assertCancelFrees(fresh, fresh.attempt());
    }

    private static void assertCancelFrees(DecoderRig rig, DecodeAttempt attempt) {
        int events = rig.events.size();
        attempt.cancel();
        attempt.cancel();
        assertInstanceOf(Ended.class, attempt.state());
        rig.engine.runToEnd();
        assertEquals(events, rig.events.size(), "nothing is said to one who left");
        assertEquals(1, rig.completions);
        assertTrue(rig.isClean());
    }

    @Test
    void anEngineErrorEndsTheAttempt() {
        rig.attempt().start(true);
        rig.engine.step();
        rig.engine.breakDown(new BatonException(ErrorCode.INTERNAL, "broken"));
        assertEndedWith(ErrorCode.INTERNAL);
    }

    @Test
    void theDeadlineEndsTheAttempt() {
        rig.attempt().start(true);
        rig.time.advance(TimeUnit.SECONDS.toNanos(60));
        assertEndedWith(ErrorCode.DEADLINE_EXCEEDED);
    }

    @Test
    void framesGoStraightToThePlace() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        byte[] block = new byte[FakeEngine.LAYOUT.blockLayerBytes()];
        rig.receiver.last().sink.accept(0, 0, MemorySegment.ofArray(block));
        assertEquals(1, rig.engine.writes);
    }

    @Test
    void tokensAndGapsAreCounted() {
        rig.attempt().start(true);
        for (int i = 0; i < 3; i++) {
            rig.time.advance(1_000_000);
            rig.engine.step();
        }
        assertEquals(3, rig.registry.get("baton.generated.tokens").counter().count());
        assertEquals(0.001, rig.ports.around().decodeSecondsPerToken().value(), 1e-9);
    }

    private static Reticket reticket(int epoch, boolean localPrefill) {
        return Reticket.newBuilder().setEpoch(epoch).setLocalPrefill(localPrefill).build();
    }

    @Test
    void aTokenThatTheClientHasIsNotChosenAgain() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().complete = 32;
        assertTrue(
                attempt.reticket(
                        reticket(2, true).toBuilder()
                                .setGiven(Token.newBuilder().setIndex(0).setId('A'))
                                .build()));
        assertTrue(rig.receiver.last().closed);
        Decoding decoding = assertInstanceOf(Decoding.class, attempt.state());
        assertEquals(32, decoding.place().heldTokens());
        rig.engine.runToEnd();
        assertEquals("Answered", rig.text());
        assertTrue(rig.isClean());
    }

    @Test
    void whatWasTransferredIsNoReuse() {
        DecodeAttempt attempt = rig.attempt();
        attempt.start(false);
        rig.receiver.last().complete = 32;
        rig.receiver.last().lose();
        attempt.reticket(reticket(2, true));
        rig.engine.runToEnd();
        assertEquals(
                0,
                rig.events.stream()
                        .filter(DecodeEvent::hasStarted)
                        .findFirst()
                        .orElseThrow()
                        .getStarted()
                        .getCachedTokens());
    }
}

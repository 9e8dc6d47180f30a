package io.baton.kv.adapt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.kv.adapt.Moment.Here;
import io.baton.kv.adapt.Moment.Way;
import io.baton.kv.adapt.Reason.Why;
import java.util.List;
import org.junit.jupiter.api.Test;

class LevelPolicyTest {
    private static final long SECOND = 1_000_000_000L;

    /** 1 MB per token: a token is a megabyte on the raw rung. */
    private static final Forecast FORECAST = new Forecast(1e6, 256, 5_000_000);

    private final Goodput goodput = new Goodput();
    private final LevelPolicy policy =
            new LevelPolicy(
                    PolicyOptions.of(3),
                    FORECAST,
                    new Ladder(
                            List.of(
                                    Rung.raw("raw"),
                                    new Rung("l0", 4, 1e12, 1e12),
                                    new Rung("l1", 8, 1e12, 1e12),
                                    new Rung("l2", 16, 1e12, 1e12))),
                    goodput);

    private static Moment moment(double budgetSeconds, int tokens, Way way, double receiver) {
        return new Moment(
                SECOND, (long) (budgetSeconds * SECOND), new Here(tokens, 0, 0), way, receiver);
    }

    /** The link is known to bring so many bytes per second, steadily. */
    private void link(double bytesPerSecond) {
        for (int i = 0; i < 50; i++) {
            goodput.delivered((long) (bytesPerSecond / 10), SECOND / 10, 0, SECOND);
        }
    }

    private Choice.Send send(Moment moment) {
        return assertInstanceOf(Choice.Send.class, policy.next(moment));
    }

    @Test
    void theFirstChunkGoesAtAMediumLevel() {
        Choice.Send first = send(moment(1, 1000, Way.CLEAR, 100));
        assertEquals(2, first.rung());
        assertEquals(Why.UNKNOWN_LINK, first.reason().why());
    }

    @Test
    void whatIsOldIsUnknown() {
        link(1e9);
        goodput.forgetStale(4 * SECOND, 2 * SECOND);
        assertEquals(0, goodput.mean());
    }

    @Test
    void aSlowLinkTakesTheFloorAndNeverLess() {
        link(1e6);
        Choice.Send choice = send(moment(1, 1000, Way.CLEAR, 0));
        assertEquals(3, choice.rung());
        assertEquals(Why.LATE, choice.reason().why());
    }

    @Test
    void whereComputingIsSlowerThanTheLinkFinerCostsNothing() {
        link(100e9);
        Choice last = null;
        for (int i = 0; i < 4; i++) {
            // Ten seconds of computing are left, and a thousandth of that on the wire.
            last =
                    policy.next(
                            new Moment(
                                    SECOND, 60 * SECOND, new Here(1000, 1000, 100), Way.CLEAR, 0));
        }
        assertEquals(0, assertInstanceOf(Choice.Send.class, last).rung());
    }

    @Test
    void finerComesOneRungAtATimeAndCoarserAtOnce() {
        link(100e9);
        Moment computing = new Moment(SECOND, 60 * SECOND, new Here(1000, 1000, 100), Way.CLEAR, 0);
        assertEquals(1, send(computing).rung());
        assertEquals(0, send(computing).rung());
        for (int i = 0; i < 50; i++) {
            goodput.delivered(1_000_000, SECOND / 10, 0, SECOND);
        }
        assertEquals(3, send(computing).rung());
    }

    @Test
    void aLevelMustPay() {
        link(1e9);
        // Raw takes 1 s of 60, but a sixteenth of that is enough.
        assertEquals(3, send(moment(60, 1000, Way.CLEAR, 0)).rung());
    }

    @Test
    void aRungIsKeptUnlessTheChangeIsWorthIt() {
        link(1e9);
        send(moment(60, 1000, Way.CLEAR, 0));
        assertEquals(Why.KEPT, send(moment(60, 1000, Way.CLEAR, 0)).reason().why());
    }

    @Test
    void aProbeIsForOneChunk() {
        // Two ratios close to each other: the finer one costs little more than is allowed.
        LevelPolicy close =
                new LevelPolicy(
                        PolicyOptions.of(1),
                        FORECAST,
                        new Ladder(
                                List.of(
                                        new Rung("l0", 8, 1e12, 1e12),
                                        new Rung("l1", 10, 1e12, 1e12))),
                        goodput);
        link(1e9);
        int probes = 0;
        for (int i = 0; i < 20; i++) {
            Choice.Send choice =
                    assertInstanceOf(Choice.Send.class, close.next(moment(60, 1000, Way.CLEAR, 0)));
            boolean probe = choice.reason().why() == Why.PROBE;
            assertEquals(probe ? 0 : 1, choice.rung());
            probes += probe ? 1 : 0;
        }
        assertEquals(2, probes);
    }

    @Test
    void textWhereTheReceiverIsSooner() {
        link(1e6);
        // At most 62 s of KV, 10 s of computing.
        Choice choice = policy.next(moment(1, 1000, Way.CLEAR, 100));
        Reason reason = assertInstanceOf(Choice.Text.class, choice).reason();
        assertEquals(Why.TEXT_SOONER, reason.why());
        assertEquals(10_005_000_000L, reason.textNanos());
        assertTrue(reason.text().startsWith("text sooner at 1.00 MB/s"), reason.text());
    }

    @Test
    void noTextWhereTheReceiverDoesNotCompute() {
        link(1e6);
        send(moment(1, 1000, Way.CLEAR, 0));
    }

    @Test
    void textNeedsEvidence() {
        goodput.delivered(1000, SECOND / 1000, 0, SECOND);
        // 62 s of KV against 10 s: but a millisecond is no proof.
        send(moment(1, 1000, Way.CLEAR, 100));
    }

    @Test
    void aStandstillEndsInTextWhenItHasCostAsMuch() {
        link(1e9);
        Way brief = new Way(256, 16_000_000, 6 * SECOND);
        assertTrue(policy.whileWaiting(moment(1, 744, brief, 100)).isEmpty());
        Way longer = new Way(256, 16_000_000, 12 * SECOND);
        assertTrue(policy.whileWaiting(moment(1, 744, longer, 100)).isPresent());
    }

    @Test
    void anUnknownLinkThatBringsNothingEndsInText() {
        Way nothing = new Way(256, 16_000_000, 12 * SECOND);
        assertTrue(policy.whileWaiting(moment(1, 744, nothing, 100)).isPresent());
        assertFalse(policy.whileWaiting(moment(1, 744, nothing, 10)).isPresent());
    }

    @Test
    void textIsTheRescueAtTheLastMoment() {
        link(1e6);
        // 16 s of KV and 10 s of text: with 11 s left it is now or never.
        Reason reason =
                assertInstanceOf(
                                Choice.Text.class,
                                policy.whileWaiting(moment(11, 700, new Way(300, 0, 0), 100))
                                        .orElseThrow())
                        .reason();
        assertTrue(reason.kvNanos() > reason.textNanos());
    }

    @Test
    void theFloorMustBeOnTheLadder() {
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        new LevelPolicy(
                                PolicyOptions.of(1),
                                FORECAST,
                                new Ladder(List.of(Rung.raw("raw"))),
                                goodput));
    }

    /** Even the floor takes 6 s more on the wire; the receiver would need 2. */
    @Test
    void textIsForSlowLinksNotForASlowSender() {
        link(10e6);
        Here done = new Here(1000, 0, 100);
        Moment wire = new Moment(SECOND, 60 * SECOND, done, Way.CLEAR, 500);
        assertInstanceOf(Choice.Text.class, policy.next(wire));
        // The same link, but it is the sender's prefill that takes the time.
        Here computing = new Here(1000, 700, 25);
        Moment slow = new Moment(SECOND, 60 * SECOND, computing, Way.CLEAR, 500);
        assertInstanceOf(Choice.Send.class, policy.next(slow));
    }

    @Test
    void textIsNotWorthAFewMilliseconds() {
        link(10e6);
        // KV of the last tokens takes 25 ms and text 8.
        Moment end = new Moment(SECOND, 60 * SECOND, new Here(4, 0, 0), Way.CLEAR, 1300);
        assertInstanceOf(Choice.Send.class, policy.next(end));
    }
}

package io.baton.kv.adapt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class GoodputTest {
    private static final long MS = 1_000_000;

    private final Goodput goodput = new Goodput();

    @Test
    void aSteadyLinkIsCountedOnInFull() {
        for (int i = 0; i < 60; i++) {
            goodput.delivered(1_000_000, 10 * MS, 0, i);
        }
        assertEquals(100e6, goodput.mean(), 1);
        assertEquals(100e6, goodput.cautious(1, 0, 0), 1e6);
    }

    @Test
    void aLinkThatVariesIsCountedOnForLess() {
        for (int i = 0; i < 60; i++) {
            goodput.delivered(i % 2 == 0 ? 500_000 : 1_500_000, 10 * MS, 0, i);
        }
        assertTrue(goodput.cautious(1, 0, 0) < 0.8 * goodput.mean());
        assertTrue(goodput.cautious(100, 0, 0) >= goodput.mean() / 3);
    }

    @Test
    void whatWaitsBoundsWhatIsCountedOn() {
        goodput.delivered(1_000_000, 10 * MS, 0, 0);
        assertEquals(1e6, goodput.cautious(0, 1_000_000, 1000 * MS), 1);
    }

    @Test
    void oneStandstillDoesNotDecideWhatIsExpected() {
        for (int i = 0; i < 200; i++) {
            goodput.delivered(1_000_000, 10 * MS, 0, i);
        }
        goodput.delivered(1_000_000, 1000 * MS, 0, 200);
        assertTrue(goodput.mean() < 10e6, "the short memory follows at once");
        assertTrue(goodput.expected() > 70e6, "the long one does not");
    }

    @Test
    void whereDecodingIsTheBottleneckTheLinkMayBeFaster() {
        goodput.delivered(1_000_000, 10 * MS, 9 * MS, 0);
        goodput.delivered(1_000_000, 10 * MS, 9 * MS, 1);
        goodput.delivered(1_000_000, 10 * MS, 9 * MS, 2);
        assertEquals(400e6, goodput.mean(), 1);
        goodput.delivered(1_000_000, 10 * MS, 0, 3);
        goodput.delivered(1_000_000, 10 * MS, 9 * MS, 4);
        assertTrue(goodput.mean() <= 400e6, "but not than what was just seen of it");
    }

    @Test
    void aLadderLearns() {
        Ladder ladder = new Ladder(List.of(Rung.raw("raw"), new Rung("l0", 4, 1e9, 1e9)));
        for (int i = 0; i < 40; i++) {
            ladder.encoded(0, 1000, 1000, 5);
            ladder.encoded(1, 8000, 1000, 4000);
        }
        ladder.decodes(3e9);
        assertEquals(8, ladder.rung(1).ratio(), 0.01);
        assertEquals(2e9, ladder.rung(1).encodeBytesPerSecond(), 1e7);
        assertEquals(3e9, ladder.rung(1).decodeBytesPerSecond());
        assertEquals(Double.POSITIVE_INFINITY, ladder.rung(0).encodeBytesPerSecond());
        assertEquals(Double.POSITIVE_INFINITY, ladder.rung(0).decodeBytesPerSecond());
    }
}

package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.testkit.VirtualTime;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SignsOfLifeTest {
    private static final long TENTH = TimeUnit.MILLISECONDS.toNanos(100);

    private final VirtualTime time = new VirtualTime();
    private final ArrayDeque<Runnable> mailbox = new ArrayDeque<>();
    private int said;
    private final SignsOfLife signs = new SignsOfLife(time, mailbox::add, () -> said++);

    private void serve() {
        while (!mailbox.isEmpty()) {
            mailbox.poll().run();
        }
    }

    @Test
    void aSignComesEachInterval() {
        signs.begin(100);
        for (int i = 1; i <= 5; i++) {
            time.advance(TENTH - 1);
            serve();
            assertEquals(i - 1, said);
            time.advance(1);
            serve();
            assertEquals(i, said);
        }
    }

    @Test
    void aMailboxThatIsNotServedSaysNothingAndIsNotFilled() {
        signs.begin(100);
        time.advance(100 * TENTH);
        assertEquals(0, said);
        assertEquals(1, mailbox.size());
        serve();
        assertEquals(1, said);
        assertEquals(1, time.pending());
    }

    @Test
    void afterTheEndNoneFollows() {
        signs.begin(100);
        time.advance(TENTH);
        signs.end();
        serve();
        assertEquals(0, said);
        assertEquals(0, time.pending());
        signs.begin(100);
        assertEquals(0, time.pending());
    }

    @Test
    void theSignItselfMayEndIt() {
        SignsOfLife[] own = new SignsOfLife[1];
        own[0] = new SignsOfLife(time, Runnable::run, () -> own[0].end());
        own[0].begin(100);
        time.advance(10 * TENTH);
        assertEquals(0, time.pending());
    }

    @Test
    void noneWasAskedFor() {
        signs.begin(0);
        assertEquals(0, time.pending());
    }

    @Test
    void theIntervalIsBoundedBelow() {
        signs.begin(1);
        time.advance(TimeUnit.MILLISECONDS.toNanos(9));
        assertEquals(0, mailbox.size());
        time.advance(TimeUnit.MILLISECONDS.toNanos(1));
        assertEquals(1, mailbox.size());
    }
}

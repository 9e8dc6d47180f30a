package io.baton.common.worker;

import io.baton.common.time.Timer;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Says again and again that a call is being served, from the mailbox that serves it: where that is
 * blocked or dead nothing is said, and the router finds out. At most one turn waits in the mailbox.
 * Confined to the mailbox, but for its making.
 */
public final class SignsOfLife {
    private static final long SHORTEST_MILLIS = 10;
    private static final long LONGEST_MILLIS = 60_000;

    private final Timer timer;
    private final Executor mailbox;
    private final Runnable say;
    private long intervalNanos;
    private boolean ended;
    private Timer.@Nullable Handle next;

    /**
     * @param mailbox of the call
     * @param say gives one sign; runs in the mailbox
     */
    public SignsOfLife(Timer timer, Executor mailbox, Runnable say) {
        this.timer = timer;
        this.mailbox = mailbox;
        this.say = say;
    }

    /**
     * Begins, once.
     *
     * @param millis from one sign to the next, brought within 10 ms and a minute; 0 or less: none
     */
    public void begin(int millis) {
        if (millis > 0 && !ended && intervalNanos == 0) {
            intervalNanos =
                    TimeUnit.MILLISECONDS.toNanos(
                            Math.clamp(millis, SHORTEST_MILLIS, LONGEST_MILLIS));
            arm();
        }
    }

    /** Ends: no sign follows. */
    public void end() {
        ended = true;
        if (next != null) {
            next.cancel();
            next = null;
        }
    }

    private void arm() {
        next = timer.after(intervalNanos, () -> mailbox.execute(this::turn));
    }

    private void turn() {
        if (!ended) {
            say.run();
            if (!ended) {
                arm();
            }
        }
    }
}

package io.baton.router.dispatch;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** A bounded wait for a decoder with room, with doubling pauses. Confined to its thread. */
final class RoomWait {
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(25);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    private final long mostNanos;
    private long sinceNanos;
    private boolean waiting;
    private long pauseNanos = FIRST_PAUSE_NANOS;

    RoomWait(long mostNanos) {
        this.mostNanos = mostNanos;
    }

    /** When to try again, as a reading of the ticker; empty when the wait is over. */
    OptionalLong next(long nowNanos) {
        if (!waiting) {
            waiting = true;
            sinceNanos = nowNanos;
        }
        if (nowNanos - sinceNanos >= mostNanos) {
            return OptionalLong.empty();
        }
        long at = nowNanos + pauseNanos;
        pauseNanos = Math.min(LONGEST_PAUSE_NANOS, 2 * pauseNanos);
        return OptionalLong.of(at);
    }
}

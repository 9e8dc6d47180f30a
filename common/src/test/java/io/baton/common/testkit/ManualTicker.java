package io.baton.common.testkit;

import io.baton.common.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A clock that moves only when told to. Safe for any thread. */
public final class ManualTicker implements Ticker {
    private final AtomicLong now = new AtomicLong(1_000_000_000L);

    @Override
    public long nanos() {
        return now.get();
    }

    /** Moves on. */
    public void advance(Duration by) {
        advanceNanos(by.toNanos());
    }

    /** Moves on. */
    public void advanceNanos(long nanos) {
        if (nanos < 0) {
            throw new IllegalArgumentException("time does not run backwards: " + nanos);
        }
        now.addAndGet(nanos);
    }
}

package io.baton.common.time;

import java.util.concurrent.TimeUnit;

/** Waiting for time to pass, where nothing else can be waited for: a benchmark's schedule. */
@FunctionalInterface
public interface Pause {
    /** Returns when so many nanoseconds have passed. */
    void nanos(long nanos) throws InterruptedException;

    /** The calling thread sleeps; for composition roots. */
    static Pause system() {
        return TimeUnit.NANOSECONDS::sleep;
    }
}

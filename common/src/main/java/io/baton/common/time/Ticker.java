package io.baton.common.time;

/** A monotonic clock. Deadlines are differences of its readings, never wall-clock instants. */
@FunctionalInterface
public interface Ticker {
    /** Nanoseconds from an arbitrary origin; compare by subtraction only. */
    long nanos();

    /** The process's monotonic clock, for composition roots. */
    static Ticker system() {
        return System::nanoTime;
    }
}

package io.baton.bench.sim;

import io.baton.common.time.Ticker;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * A virtual clock that moves from event to event. Events of the same time run in the order in which
 * they were made, so that a run is decided by its inputs alone. One thread.
 */
public final class Simulation implements Ticker {
    private record Event(long atNanos, long number, Runnable action) {}

    private final PriorityQueue<Event> events =
            new PriorityQueue<>(
                    Comparator.comparingLong(Event::atNanos).thenComparingLong(Event::number));
    private final long maxEvents;
    private long nowNanos;
    private long made;

    /**
     * @param startNanos first reading of the clock
     * @param maxEvents a run that makes more does not end, and is refused
     */
    public Simulation(long startNanos, long maxEvents) {
        this.nowNanos = startNanos;
        this.maxEvents = maxEvents;
    }

    @Override
    public long nanos() {
        return nowNanos;
    }

    /**
     * Runs something later.
     *
     * @throws IllegalArgumentException if that time has passed
     */
    public void at(long atNanos, Runnable action) {
        if (atNanos < nowNanos) {
            throw new IllegalArgumentException("%d is before now, %d".formatted(atNanos, nowNanos));
        }
        if (made++ == maxEvents) {
            throw new IllegalStateException("the simulation made %d events".formatted(maxEvents));
        }
        events.add(new Event(atNanos, made, action));
    }

    /** Runs something after a time. */
    public void after(long nanos, Runnable action) {
        at(nowNanos + nanos, action);
    }

    /** Runs until there is no event. */
    public void run() {
        for (Event next = events.poll(); next != null; next = events.poll()) {
            nowNanos = next.atNanos();
            next.action().run();
        }
    }
}

package io.baton.common.testkit;

import io.baton.common.time.Ticker;
import io.baton.common.time.Timer;
import java.util.PriorityQueue;

/** A clock and timer that move only when a test says so. Safe for any thread. */
public final class VirtualTime implements Ticker, Timer {
    private record Task(long at, long order, Runnable action) {}

    private final PriorityQueue<Task> tasks =
            new PriorityQueue<>(
                    (a, b) ->
                            a.at != b.at
                                    ? Long.compare(a.at, b.at)
                                    : Long.compare(a.order, b.order));
    private long now;
    private long order;

    @Override
    public synchronized long nanos() {
        return now;
    }

    @Override
    public synchronized Handle after(long nanos, Runnable action) {
        Task task = new Task(now + nanos, order++, action);
        tasks.add(task);
        return () -> {
            synchronized (this) {
                tasks.remove(task);
            }
        };
    }

    /** Tasks that wait. */
    public synchronized int pending() {
        return tasks.size();
    }

    /** Moves the clock and runs what falls due, in order. */
    public void advance(long nanos) {
        long until = nanos() + nanos;
        while (true) {
            Task next;
            synchronized (this) {
                next = tasks.peek();
                if (next == null || next.at > until) {
                    now = until;
                    return;
                }
                tasks.poll();
                now = next.at;
            }
            next.action.run();
        }
    }
}

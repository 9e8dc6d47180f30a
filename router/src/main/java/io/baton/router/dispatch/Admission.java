package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.time.Ticker;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Lets at most so many requests run; the others wait, up to a bound. Next is the lowest priority
 * number, then the tenant with the fewest running requests for its weight, then who came first;
 * every wait is bounded by the caller. Safe for any thread.
 */
public final class Admission {
    private final int maxRunning;
    private final int maxWaiting;
    private final Ticker ticker;

    /** In the order they came. */
    private final Set<Waiter> waiting = new LinkedHashSet<>();

    private final Map<String, Integer> runningOf = new HashMap<>();
    private int running;
    private boolean closed;

    public Admission(int maxRunning, int maxWaiting, Ticker ticker) {
        this.maxRunning = maxRunning;
        this.maxWaiting = maxWaiting;
        this.ticker = ticker;
    }

    /** The right to run; give it back once. */
    public interface Permit extends AutoCloseable {
        /** Nanoseconds spent waiting. */
        long waitedNanos();

        @Override
        void close();
    }

    /** One that waits; its turn completes with whether it may run. Equal to itself alone. */
    private static final class Waiter {
        private final ServiceTerms terms;
        private final CompletableFuture<Boolean> turn = new CompletableFuture<>();

        Waiter(ServiceTerms terms) {
            this.terms = terms;
        }
    }

    private final class Held implements Permit {
        private final ServiceTerms terms;
        private final long waitedNanos;

        Held(ServiceTerms terms, long waitedNanos) {
            this.terms = terms;
            this.waitedNanos = waitedNanos;
        }

        @Override
        public long waitedNanos() {
            return waitedNanos;
        }

        @Override
        public void close() {
            release(terms);
        }
    }

    /**
     * Waits for a permit.
     *
     * @param terms decide who is next
     * @param cancel completes when nobody wants it any more
     * @throws BatonException QUEUE_FULL at once, OVERLOADED after {@code timeoutNanos}, DRAINING
     *     when the router stops, CLIENT_CLOSED when cancelled
     */
    public Permit acquire(ServiceTerms terms, long timeoutNanos, CompletableFuture<Void> cancel) {
        long start = ticker.nanos();
        Waiter waiter = new Waiter(terms);
        synchronized (this) {
            if (closed) {
                throw draining();
            }
            if (running < maxRunning && waiting.isEmpty()) {
                running++;
                runningOf.merge(terms.tenant(), 1, Integer::sum);
                return new Held(terms, 0);
            }
            if (waiting.size() >= maxWaiting) {
                throw new BatonException(
                        ErrorCode.QUEUE_FULL,
                        "%d requests run and %d wait, which are the limits; try again later"
                                .formatted(running, waiting.size()));
            }
            waiting.add(waiter);
        }
        cancel.thenRun(() -> waiter.turn.complete(false));
        return await(waiter, start, timeoutNanos, cancel);
    }

    private Permit await(
            Waiter waiter, long start, long timeoutNanos, CompletableFuture<Void> cancel) {
        try {
            if (waiter.turn.get(timeoutNanos, TimeUnit.NANOSECONDS)) {
                return new Held(waiter.terms, ticker.nanos() - start);
            }
        } catch (TimeoutException e) {
            if (!waiter.turn.complete(false) && waiter.turn.join()) {
                return new Held(waiter.terms, ticker.nanos() - start);
            }
            leave(waiter);
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "the request waited %d ms without its turn coming; try again later"
                            .formatted(TimeUnit.NANOSECONDS.toMillis(timeoutNanos)),
                    null,
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp(waiter);
            throw draining();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a turn never fails", e);
        }
        leave(waiter);
        if (cancel.isDone()) {
            throw new BatonException(ErrorCode.CLIENT_CLOSED, "the client has gone");
        }
        throw draining();
    }

    private void giveUp(Waiter waiter) {
        if (waiter.turn.complete(false)) {
            leave(waiter);
        } else if (waiter.turn.join()) {
            release(waiter.terms);
        }
    }

    private synchronized void leave(Waiter waiter) {
        waiting.remove(waiter);
    }

    private synchronized void release(ServiceTerms terms) {
        runningOf.computeIfPresent(terms.tenant(), (tenant, n) -> n == 1 ? null : n - 1);
        running--;
        while (!waiting.isEmpty()) {
            Waiter next = waiting.stream().min(order()).orElseThrow();
            waiting.remove(next);
            if (next.turn.complete(true)) {
                running++;
                runningOf.merge(next.terms.tenant(), 1, Integer::sum);
                return;
            }
        }
    }

    /** Among equals the stream's first, which came first. */
    private Comparator<Waiter> order() {
        return Comparator.<Waiter>comparingInt(waiter -> waiter.terms.priority())
                .thenComparingDouble(
                        waiter ->
                                runningOf.getOrDefault(waiter.terms.tenant(), 0)
                                        / (double) waiter.terms.weight());
    }

    /** Refuses all that wait and all that come. */
    public synchronized void close() {
        closed = true;
        waiting.forEach(waiter -> waiter.turn.complete(false));
        waiting.clear();
    }

    public synchronized int running() {
        return running;
    }

    public synchronized int waiting() {
        return waiting.size();
    }

    private static BatonException draining() {
        return new BatonException(
                ErrorCode.DRAINING, "the router is stopping; send the request to another one");
    }
}

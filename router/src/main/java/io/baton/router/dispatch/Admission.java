package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Lets at most so many requests run; the others wait in the order they came, up to a bound. Safe
 * for any thread.
 */
public final class Admission {
    private final int maxRunning;
    private final int maxWaiting;
    private final Ticker ticker;
    private final ArrayDeque<CompletableFuture<Boolean>> waiting = new ArrayDeque<>();
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

    private final class Held implements Permit {
        private final long waitedNanos;

        Held(long waitedNanos) {
            this.waitedNanos = waitedNanos;
        }

        @Override
        public long waitedNanos() {
            return waitedNanos;
        }

        @Override
        public void close() {
            release();
        }
    }

    /**
     * Waits for a permit.
     *
     * @param cancel completes when nobody wants it any more
     * @throws BatonException QUEUE_FULL at once, OVERLOADED after {@code timeoutNanos}, DRAINING
     *     when the router stops, CLIENT_CLOSED when cancelled
     */
    public Permit acquire(long timeoutNanos, CompletableFuture<Void> cancel) {
        long start = ticker.nanos();
        CompletableFuture<Boolean> turn = new CompletableFuture<>();
        synchronized (this) {
            if (closed) {
                throw draining();
            }
            if (running < maxRunning && waiting.isEmpty()) {
                running++;
                return new Held(0);
            }
            if (waiting.size() >= maxWaiting) {
                throw new BatonException(
                        ErrorCode.QUEUE_FULL,
                        "%d requests run and %d wait, which are the limits; try again later"
                                .formatted(running, waiting.size()));
            }
            waiting.add(turn);
        }
        cancel.thenRun(() -> turn.complete(false));
        return await(turn, start, timeoutNanos, cancel);
    }

    private Permit await(
            CompletableFuture<Boolean> turn,
            long start,
            long timeoutNanos,
            CompletableFuture<Void> cancel) {
        try {
            if (turn.get(timeoutNanos, TimeUnit.NANOSECONDS)) {
                return new Held(ticker.nanos() - start);
            }
        } catch (TimeoutException e) {
            if (!turn.complete(false) && turn.join()) {
                return new Held(ticker.nanos() - start);
            }
            leave(turn);
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "the request waited %d ms without its turn coming; try again later"
                            .formatted(TimeUnit.NANOSECONDS.toMillis(timeoutNanos)),
                    null,
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp(turn);
            throw draining();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a turn never fails", e);
        }
        leave(turn);
        if (cancel.isDone()) {
            throw new BatonException(ErrorCode.CLIENT_CLOSED, "the client has gone");
        }
        throw draining();
    }

    private void giveUp(CompletableFuture<Boolean> turn) {
        if (turn.complete(false)) {
            leave(turn);
        } else if (turn.join()) {
            release();
        }
    }

    private synchronized void leave(CompletableFuture<Boolean> turn) {
        waiting.remove(turn);
    }

    private synchronized void release() {
        while (true) {
            CompletableFuture<Boolean> next = waiting.poll();
            if (next == null) {
                running--;
                return;
            }
            if (next.complete(true)) {
                return;
            }
        }
    }

    /** Refuses all that wait and all that come. */
    public synchronized void close() {
        closed = true;
        waiting.forEach(turn -> turn.complete(false));
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

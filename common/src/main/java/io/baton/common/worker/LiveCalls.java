package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The attempts in progress at one worker, one for each request, and the fence around them: calls
 * for another incarnation, of an old epoch, beyond the bound or while the worker drains are
 * refused. Safe for any thread.
 *
 * @param <S> what serves an attempt
 */
public final class LiveCalls<S> {
    private static final int REMEMBERED_REQUESTS = 8192;

    private final long incarnation;
    private final int maxCalls;
    private final EpochLedger epochs = new EpochLedger(REMEMBERED_REQUESTS);
    private final Map<String, S> live = new HashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition empty = lock.newCondition();
    private boolean draining;

    public LiveCalls(long incarnation, int maxCalls) {
        this.incarnation = incarnation;
        this.maxCalls = maxCalls;
    }

    /**
     * Whether a new call may begin.
     *
     * @throws BatonException STALE_EPOCH, DRAINING, QUEUE_FULL
     */
    public void check(long calledIncarnation) {
        lock.lock();
        try {
            if (calledIncarnation != incarnation) {
                throw new BatonException(
                        ErrorCode.STALE_EPOCH,
                        "the call is for incarnation %s of this worker, it is %s: it was restarted"
                                .formatted(
                                        Long.toUnsignedString(calledIncarnation),
                                        Long.toUnsignedString(incarnation)));
            }
            requireRoom();
        } finally {
            lock.unlock();
        }
    }

    private void requireRoom() {
        if (draining) {
            throw new BatonException(
                    ErrorCode.DRAINING, "this worker is shutting down; use another one");
        }
        if (live.size() >= maxCalls) {
            throw new BatonException(
                    ErrorCode.QUEUE_FULL,
                    "%d attempts are in progress, the most this worker takes; try again later"
                            .formatted(live.size()));
        }
    }

    /**
     * Lets an attempt in.
     *
     * @return the older attempt of the same request that is still in progress, to be ended
     * @throws BatonException STALE_EPOCH if it isn't newer than all attempts seen of the request;
     *     DRAINING, QUEUE_FULL if that has come true since {@link #check}
     */
    public @Nullable S admit(String requestId, int epoch, S call) {
        lock.lock();
        try {
            requireRoom();
            if (!epochs.admit(requestId, epoch)) {
                throw new BatonException(
                        ErrorCode.STALE_EPOCH,
                        "epoch %d of request %s is not newer than one seen before"
                                .formatted(epoch, requestId));
            }
            return live.put(requestId, call);
        } finally {
            lock.unlock();
        }
    }

    /** An attempt goes on under a newer epoch. */
    public void renew(String requestId, int epoch) {
        lock.lock();
        try {
            epochs.admit(requestId, epoch);
        } finally {
            lock.unlock();
        }
    }

    /** An attempt has ended; harmless if a newer one has taken its place. */
    public void remove(String requestId, S call) {
        lock.lock();
        try {
            live.remove(requestId, call);
            if (live.isEmpty()) {
                empty.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Attempts in progress. */
    public int size() {
        lock.lock();
        try {
            return live.size();
        } finally {
            lock.unlock();
        }
    }

    /** Refuses new calls from here on. */
    public void drain() {
        lock.lock();
        try {
            draining = true;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no attempt is in progress; false if the time was over first. */
    public boolean awaitEmpty(long nanos) {
        lock.lock();
        try {
            long left = nanos;
            while (!live.isEmpty() && left > 0) {
                left = empty.awaitNanos(left);
            }
            return live.isEmpty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}

package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.router.dispatch.LegEvent.Closed;
import java.util.Optional;

/**
 * Whether a failed attempt may be followed by another: not after the client's own fault or its
 * deadline, not after two workers died of it, not beyond the attempts, not without budget. One
 * object per sequence, confined to its thread.
 */
final class RetryRules {
    private static final int MAX_DEATHS = 1;

    private final int maxAttempts;
    private final RetryBudget budget;
    private int deaths;

    RetryRules(int maxAttempts, RetryBudget budget) {
        this.maxAttempts = maxAttempts;
        this.budget = budget;
    }

    /** Whether a code says that a worker is full rather than broken. */
    static boolean isFull(ErrorCode code) {
        return code == ErrorCode.KV_POOL_EXHAUSTED
                || code == ErrorCode.OVERLOADED
                || code == ErrorCode.QUEUE_FULL
                || code == ErrorCode.DRAINING;
    }

    /** Whether a failure is no fault of the worker. */
    static boolean isBlameless(ErrorCode code) {
        return isFull(code) || code.status() < 500;
    }

    /**
     * Takes one retry.
     *
     * @param worker what failed
     * @param attempts attempts made so far
     * @return empty if there may be another attempt, else the error that ends the sequence
     */
    Optional<BatonException> refusal(String worker, Closed how, int attempts) {
        boolean clientsFault = how.code().status() < 500 && !isFull(how.code());
        if (clientsFault || how.code() == ErrorCode.DEADLINE_EXCEEDED) {
            return Optional.of(new BatonException(how.code(), how.message()));
        }
        if (how.workerDied() && deaths++ >= MAX_DEATHS) {
            return Optional.of(
                    new BatonException(
                            ErrorCode.WORKER_LOST,
                            "two workers were lost while they worked on this request, so it is not tried again: "
                                    + how.message()));
        }
        if (attempts >= maxAttempts) {
            return Optional.of(
                    new BatonException(
                            terminal(how.code()),
                            "%d attempts failed, the last on %s: %s"
                                    .formatted(attempts, worker, how.message())));
        }
        if (!budget.spend()) {
            return Optional.of(
                    new BatonException(
                            terminal(how.code()),
                            "%s failed (%s) and the retry budget is spent; try again later"
                                    .formatted(worker, how.message())));
        }
        return Optional.empty();
    }

    private static ErrorCode terminal(ErrorCode code) {
        return code.status() >= 500 ? code : ErrorCode.WORKER_LOST;
    }
}

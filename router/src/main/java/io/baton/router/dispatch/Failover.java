package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.router.dispatch.LegEvent.Closed;
import io.baton.router.route.WorkerView;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What follows when workers fail one sequence: which of them it leaves alone, whether it may try
 * again, and how long it waits for room. It decides; the {@link SequenceMachine} acts. Confined to
 * the sequence's thread.
 */
final class Failover {
    private static final Logger LOG = LoggerFactory.getLogger(Failover.class);

    private final String request;
    private final SequenceMachine.Bounds bounds;
    private final SequenceMachine.Counters counters;
    private final RetryRules rules;
    private final RoomWait room;
    private final Set<String> failed = new HashSet<>();
    private final Set<String> full = new HashSet<>();

    Failover(String request, SequenceMachine.Bounds bounds, SequenceMachine.Counters counters) {
        this.request = request;
        this.bounds = bounds;
        this.counters = counters;
        this.rules = new RetryRules(bounds.maxAttempts(), bounds.budget());
        this.room = new RoomWait(bounds.queueNanos());
    }

    /** Ids of workers that decisions must leave out. */
    Set<String> excluded() {
        Set<String> excluded = new HashSet<>(failed);
        excluded.addAll(full);
        return excluded;
    }

    /** A decoder has no room: that costs no retry, and it may be asked again later. */
    void full(WorkerView worker) {
        full.add(worker.id());
    }

    /** Decoders that had no room may be asked again. */
    void forgetFull() {
        full.clear();
    }

    /**
     * A worker failed: it is left alone from now on.
     *
     * @param leg {@code decode} or {@code prefill}, for metrics and log
     * @param worker null if none had been called yet
     * @param ledger the sequence's, with its attempts so far
     * @return empty if there may be another attempt, else the error that ends the sequence
     */
    Optional<BatonException> failed(
            String leg, @Nullable WorkerView worker, Closed how, SequenceLedger ledger) {
        String name = worker == null ? "a worker" : worker.id();
        if (worker != null) {
            failed.add(worker.id());
        }
        Optional<BatonException> refusal = rules.refusal(name, how, ledger.attempts);
        if (refusal.isEmpty()) {
            counters.retried(leg, how.code());
            LOG.warn(
                    "{} epoch {}: {} on {} failed ({}: {}), trying again with {} tokens emitted",
                    request,
                    ledger.epoch,
                    leg,
                    name,
                    how.code().code(),
                    how.message(),
                    ledger.completionTokens);
        }
        return refusal;
    }

    /**
     * When to look for a decoder again, now that there is none; empty if there is nothing to wait
     * for, or the wait is over.
     */
    OptionalLong roomAt(long nowNanos) {
        return full.isEmpty() ? OptionalLong.empty() : room.next(nowNanos);
    }

    /** The error of a sequence that no decoder takes and that waits no longer. */
    BatonException noDecoder(String reason) {
        if (!full.isEmpty()) {
            return new BatonException(
                    ErrorCode.KV_POOL_EXHAUSTED,
                    "no decoder had room within %d ms; try again later"
                            .formatted(TimeUnit.NANOSECONDS.toMillis(bounds.queueNanos())));
        }
        if (failed.isEmpty()) {
            return new BatonException(
                    ErrorCode.NO_WORKER,
                    "no decoder can take the request: %s; try again in a moment".formatted(reason));
        }
        return new BatonException(
                ErrorCode.WORKER_LOST,
                "the workers of this request were lost (%s) and no other can take it over: %s"
                        .formatted(String.join(", ", failed), reason));
    }
}

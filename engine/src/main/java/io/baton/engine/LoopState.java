package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.StepRunner.Sampled;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * All that callers and the engine's thread share: pool, scheduler and counters behind one lock that
 * is held briefly. No step, copy, zeroing or listener runs under it. Every method is safe for any
 * thread unless it says otherwise.
 */
final class LoopState {
    private final Set<Integer> endTokens;
    private final KvPool pool;
    private final Scheduler scheduler;
    private final LoopCounters counters = new LoopCounters();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition quiet = lock.newCondition();

    /** Sequences whose first token came from elsewhere and was not heard yet. */
    private final Deque<Sampled> received = new ArrayDeque<>();

    private boolean turnInProgress;

    /** Why no new sequence is taken; null while they are. */
    private @Nullable BatonException refusing;

    /** Why everything ends now; null while the loop works. */
    private volatile @Nullable BatonException ending;

    LoopState(KvPool pool, Scheduler scheduler, Set<Integer> endTokens) {
        this.pool = pool;
        this.scheduler = scheduler;
        this.endTokens = Set.copyOf(endTokens);
    }

    /**
     * What the engine's thread does next.
     *
     * @param received tokens that came from elsewhere, to be heard before anything else
     * @param plan the next step, if nothing was received
     * @param ending why everything ends instead
     */
    record Turn(List<Sampled> received, Plan plan, @Nullable BatonException ending) {}

    /**
     * Gives a new sequence its blocks.
     *
     * @return the blocks to be zeroed before anyone uses them
     */
    int[] reserve(Sequence sequence) {
        lock.lock();
        try {
            refuseIf(refusing);
            int[] newBlocks = scheduler.reserve(sequence);
            counters.reusedTokens += sequence.heldTokens;
            return newBlocks;
        } finally {
            lock.unlock();
        }
    }

    /** The first tokens' KV was written by someone else; the rest is still to be computed. */
    void keep(Sequence sequence, int tokens) {
        lock.lock();
        try {
            scheduler.keep(sequence, tokens);
        } finally {
            lock.unlock();
        }
    }

    void enqueue(Sequence sequence, SequenceListener listener, boolean generates) {
        lock.lock();
        try {
            refuseIf(ending);
            scheduler.enqueue(sequence, generates);
            sequence.listener = listener;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    int[] makeRoomForNext(Sequence sequence) {
        lock.lock();
        try {
            return scheduler.makeRoomForNext(sequence);
        } finally {
            lock.unlock();
        }
    }

    void enqueueFilled(Sequence sequence, int filled, SequenceListener listener, TokenOutput next) {
        lock.lock();
        try {
            refuseIf(ending);
            scheduler.enqueueFilled(sequence, filled, next.token());
            sequence.listener = listener;
            received.add(new Sampled(sequence, next, false));
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    private static void refuseIf(@Nullable BatonException reason) {
        if (reason != null) {
            throw new BatonException(reason.code(), reason.text(), reason.param(), reason);
        }
    }

    /** Takes a sequence out of all queues. It keeps its blocks. */
    void end(Sequence sequence) {
        sequence.cancelled = true;
        lock.lock();
        try {
            scheduler.end(sequence);
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** Ends a sequence and frees its blocks, after the running step if that has rows of it. */
    void release(Sequence sequence) {
        sequence.cancelled = true;
        lock.lock();
        try {
            scheduler.release(sequence);
            changed();
        } finally {
            lock.unlock();
        }
    }

    private void changed() {
        work.signal();
        if (isQuiet()) {
            quiet.signalAll();
        }
    }

    private boolean isQuiet() {
        return !turnInProgress && received.isEmpty() && scheduler.unfinished().isEmpty();
    }

    EngineLoop.Stats stats() {
        lock.lock();
        try {
            return new EngineLoop.Stats(
                    pool.blocks(),
                    pool.available(),
                    pool.cached(),
                    pool.reserved(),
                    pool.active(),
                    scheduler.running(),
                    scheduler.waiting(),
                    scheduler.waitingPrefillTokens(),
                    counters.steps);
        } finally {
            lock.unlock();
        }
    }

    EngineLoop.Counters counters() {
        lock.lock();
        try {
            return counters.snapshot(scheduler.preemptions());
        } finally {
            lock.unlock();
        }
    }

    void clearCache() {
        lock.lock();
        try {
            pool.clearCache();
        } finally {
            lock.unlock();
        }
    }

    /** From now on no new sequence is taken. */
    void refuse(BatonException reason) {
        lock.lock();
        try {
            refusing = refusing == null ? reason : refusing;
        } finally {
            lock.unlock();
        }
    }

    /** From now on everything that is left fails with {@code reason}. */
    void endAll(BatonException reason) {
        lock.lock();
        try {
            refusing = refusing == null ? reason : refusing;
            ending = ending == null ? reason : ending;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    boolean isEnding() {
        return ending != null;
    }

    /**
     * Waits until no sequence is queued or running, but no longer than {@code nanos}. An interrupt
     * ends the wait and stays set.
     */
    void awaitQuiet(long nanos) {
        lock.lock();
        try {
            long left = nanos;
            while (!isQuiet() && left > 0) {
                left = quiet.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    // ---- for the engine's thread alone ----

    /** Ends the last turn and waits for the next. After the end, each turn fails what is left. */
    Turn nextTurn() throws InterruptedException {
        lock.lock();
        try {
            turnInProgress = false;
            changed();
            while (true) {
                if (ending == null) {
                    Turn turn = turnNow();
                    if (turn != null) {
                        turnInProgress = true;
                        return turn;
                    }
                } else if (!isQuiet()) {
                    turnInProgress = true;
                    return new Turn(List.of(), Plan.NOTHING, ending);
                }
                work.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** No turn follows. */
    void stopped() {
        lock.lock();
        try {
            turnInProgress = false;
            changed();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Turn turnNow() {
        if (!received.isEmpty()) {
            Turn turn = new Turn(List.copyOf(received), Plan.NOTHING, null);
            received.clear();
            return turn;
        }
        Plan plan = scheduler.plan();
        return plan.isEmpty() ? null : new Turn(List.of(), plan, null);
    }

    /**
     * Books a step.
     *
     * @param done whether the KV of its rows is in the pool
     */
    void complete(Plan plan, boolean done) {
        lock.lock();
        try {
            scheduler.complete(plan, done);
        } finally {
            lock.unlock();
        }
    }

    /** A preempted sequence's blocks are copied out: it gives them up. */
    void parked(Sequence sequence) {
        lock.lock();
        try {
            scheduler.parked(sequence);
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** So many of a sequence's blocks are brought back. */
    void restored(Scheduler.Returning returning, int blocks) {
        lock.lock();
        try {
            scheduler.restored(returning, blocks);
            changed();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Counts a step.
     *
     * @param done whether it ran to its end, so that its time says what such a step takes
     */
    void count(Plan plan, StepRunner.Outcome outcome, long nanos, boolean done) {
        lock.lock();
        try {
            counters.step(plan, outcome, nanos);
            if (done) {
                scheduler.took(plan, nanos);
            }
        } finally {
            lock.unlock();
        }
    }

    void countFailure() {
        lock.lock();
        try {
            counters.failures++;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Appends a token that was heard, or ends its sequence.
     *
     * @param token that was heard, not null
     * @param appended whether the token is among the sequence's already
     * @param goesOn whether the listener wants more
     * @return why the answer ended; null if it goes on, here or elsewhere
     */
    @Nullable FinishReason book(
            Sampled sampled, TokenOutput token, boolean appended, boolean goesOn) {
        Sequence sequence = sampled.sequence();
        lock.lock();
        try {
            if (!appended) {
                scheduler.append(sequence, token.token(), sampled.guessed());
            }
            FinishReason reason = finish(sequence, token, goesOn);
            if (reason != null || !sequence.generates) {
                scheduler.end(sequence);
            }
            return reason;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable FinishReason finish(Sequence sequence, TokenOutput token, boolean goesOn) {
        SamplingParams params = sequence.spec.sampling();
        boolean isEnd =
                params.stopTokenIds().contains(token.token())
                        || (!params.ignoreEos() && endTokens.contains(token.token()));
        if (isEnd || !goesOn) {
            return FinishReason.STOP;
        }
        if (token.index() + 1 >= params.maxTokens() || scheduler.isFull(sequence)) {
            return FinishReason.LENGTH;
        }
        return null;
    }

    /** All sequences queued or running; tokens received for them are forgotten. */
    List<Sequence> unfinished() {
        lock.lock();
        try {
            received.clear();
            return scheduler.unfinished();
        } finally {
            lock.unlock();
        }
    }
}

package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.time.Ticker;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One thread that runs steps, and a lock around scheduler and pool that every caller takes briefly.
 * Steps, copies, zeroing and listeners run outside of the lock.
 *
 * <p>Bounds: reservations are counted against {@link EngineOptions#maxReservations()}, and every
 * queued sequence has one.
 */
final class DefaultEngineLoop implements EngineLoop {
    private static final System.Logger LOG = System.getLogger(DefaultEngineLoop.class.getName());

    /** How long an end of the thread is waited for: longer than any step. */
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Engine engine;
    private final EngineOptions options;
    private final Set<Integer> endTokens;
    private final Ticker ticker;
    private final StepRunner runner;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition quiet = lock.newCondition();
    private final KvPool pool;
    private final Scheduler scheduler;
    private final LoopCounters counters = new LoopCounters();

    /** Sequences whose first token came from elsewhere and was not heard yet. */
    private final Deque<StepRunner.Sampled> received = new ArrayDeque<>();

    private boolean draining;
    private boolean turnInProgress;

    /** Why everything ends now; null while the loop works. */
    private volatile @Nullable BatonException ending;

    DefaultEngineLoop(Engine engine, EngineOptions options, Set<Integer> endTokens, Ticker ticker) {
        this.engine = engine;
        this.options = options;
        this.endTokens = Set.copyOf(endTokens);
        this.ticker = ticker;
        this.runner = new StepRunner(engine, new Sampler(engine.config().vocab(), endTokens));
        this.pool = new KvPool(options.poolBlocks());
        this.scheduler = new Scheduler(pool, limits(engine, options));
        this.thread = Thread.ofPlatform().name(options.name()).daemon().unstarted(this::run);
    }

    private static Scheduler.Limits limits(Engine engine, EngineOptions options) {
        long poolTokens = (long) options.poolBlocks() * EngineOptions.BLOCK_TOKENS;
        int length = Math.min(options.maxModelLength(), engine.config().contextLength());
        return new Scheduler.Limits(
                options.maxStepTokens(),
                options.maxSequences(),
                options.maxReservations(),
                (int) Math.min(length, poolTokens),
                options.chunkTokens(),
                EngineOptions.BLOCK_TOKENS);
    }

    void start() {
        thread.start();
    }

    @Override
    public ModelConfig config() {
        return engine.config();
    }

    @Override
    public Reservation reserve(SequenceSpec spec) {
        checkTokens(spec);
        Sequence sequence = new Sequence(spec, EngineOptions.BLOCK_TOKENS);
        int[] newBlocks;
        lock.lock();
        try {
            if (draining) {
                throw drained();
            }
            newBlocks = scheduler.reserve(sequence);
            counters.reusedTokens += sequence.heldTokens;
        } finally {
            lock.unlock();
        }
        engine.zeroBlocks(newBlocks);
        return new PoolReservation(this, sequence, engine.pages());
    }

    private void checkTokens(SequenceSpec spec) {
        for (int token : spec.knownTokens()) {
            if (token < 0 || token >= config().vocab()) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "Token id %d is not in the vocabulary of %d tokens."
                                .formatted(token, config().vocab()),
                        "prompt");
            }
        }
    }

    @Override
    public void prefill(Reservation reservation, SequenceListener listener, boolean thenDecode) {
        PoolReservation own = own(reservation);
        own.seal();
        lock.lock();
        try {
            refuseIfEnding();
            own.sequence().listener = listener;
            scheduler.enqueue(own.sequence(), thenDecode);
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void decode(Reservation reservation, TokenOutput next, SequenceListener listener) {
        PoolReservation own = own(reservation);
        if (next.index() != reservation.spec().emitted().length
                || next.token() < 0
                || next.token() >= config().vocab()) {
            throw new IllegalArgumentException(
                    "%s: token %d with index %d cannot follow %d emitted tokens"
                            .formatted(
                                    reservation.spec().id(),
                                    next.token(),
                                    next.index(),
                                    reservation.spec().emitted().length));
        }
        own.sealFilled();
        lock.lock();
        try {
            refuseIfEnding();
            own.sequence().listener = listener;
            scheduler.enqueueFilled(own.sequence(), next.token());
            received.add(new StepRunner.Sampled(own.sequence(), next));
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    private PoolReservation own(Reservation reservation) {
        if (reservation instanceof PoolReservation own && own.isOf(this)) {
            return own;
        }
        throw new IllegalArgumentException("the reservation belongs to another engine");
    }

    @Override
    public void cancel(Reservation reservation) {
        end(own(reservation).sequence());
    }

    private void end(Sequence sequence) {
        sequence.cancelled = true;
        lock.lock();
        try {
            scheduler.end(sequence);
            quietIfIdle();
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the sequence and frees its blocks, after the running step if that has rows of it. */
    void release(Sequence sequence) {
        sequence.cancelled = true;
        lock.lock();
        try {
            scheduler.release(sequence);
            quietIfIdle();
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Stats stats() {
        lock.lock();
        try {
            return new Stats(
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

    @Override
    public Counters counters() {
        lock.lock();
        try {
            return counters.snapshot(scheduler.preemptions());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void clearCache() {
        lock.lock();
        try {
            pool.clearCache();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void drain(long nanos) {
        lock.lock();
        try {
            draining = true;
            awaitQuiet(nanos);
            if (ending == null) {
                ending = drained();
            }
            work.signal();
            awaitQuiet(STOP_NANOS);
        } finally {
            lock.unlock();
        }
    }

    private void awaitQuiet(long nanos) {
        long left = nanos;
        try {
            while (!isQuiet() && left > 0 && thread.isAlive()) {
                left = quiet.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isQuiet() {
        return !turnInProgress && received.isEmpty() && scheduler.unfinished().isEmpty();
    }

    private void quietIfIdle() {
        if (isQuiet()) {
            quiet.signalAll();
        }
    }

    @Override
    public void close() {
        drain(0);
        thread.interrupt();
        try {
            thread.join(TimeUnit.NANOSECONDS.toMillis(STOP_NANOS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            LOG.log(Level.ERROR, "{0} did not end; its memory stays allocated", options.name());
            return;
        }
        engine.close();
    }

    private void refuseIfEnding() {
        BatonException reason = ending;
        if (reason != null) {
            throw reason;
        }
    }

    private BatonException drained() {
        return new BatonException(
                ErrorCode.DRAINING,
                "%s is shutting down. Send the request again; another worker takes it."
                        .formatted(options.name()));
    }

    // ---- the engine's thread ----

    private void run() {
        try {
            boolean goesOn = true;
            while (goesOn) {
                goesOn = turn();
            }
        } catch (RuntimeException | Error e) {
            // Not a failed step but broken bookkeeping: nothing may be trusted from here on.
            LOG.log(Level.ERROR, options.name() + " stops: its own state is broken", e);
            BatonException reason = internal("The engine's state is broken; restart it.", e);
            lock.lock();
            try {
                draining = true;
                ending = reason;
            } finally {
                lock.unlock();
            }
            failAll(reason);
        }
    }

    /** One turn: tokens that came from elsewhere, or a step. False when the thread is to end. */
    private boolean turn() {
        List<StepRunner.Sampled> heard;
        Plan plan;
        lock.lock();
        try {
            turnInProgress = false;
            quietIfIdle();
            plan = new Plan(List.of(), new int[0]);
            while (received.isEmpty() && plan.spans().isEmpty() && ending == null) {
                plan = scheduler.plan();
                if (plan.spans().isEmpty()) {
                    work.await();
                }
            }
            heard = List.copyOf(received);
            received.clear();
            turnInProgress = true;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
        BatonException reason = ending;
        if (reason != null) {
            complete(plan, false);
            failAll(reason);
            return awaitEnd();
        }
        heard.forEach(token -> emit(token, true));
        if (!plan.spans().isEmpty()) {
            step(plan);
        }
        return true;
    }

    /** After the end was announced there is nothing left but to wait for {@link #close}. */
    private boolean awaitEnd() {
        lock.lock();
        try {
            turnInProgress = false;
            quietIfIdle();
            while (received.isEmpty() && scheduler.unfinished().isEmpty()) {
                work.await();
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    private void step(Plan plan) {
        long started = ticker.nanos();
        List<StepRunner.Sampled> sampled = List.of();
        try {
            for (Span span : plan.spans()) {
                hearStart(span.sequence());
            }
            Optional<MemorySegment> logits =
                    runner.forward(plan, () -> ending != null, this::failListener);
            complete(plan, logits.isPresent());
            if (logits.isPresent()) {
                sampled = runner.sample(plan, logits.get());
            }
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, options.name() + ": a step failed", e);
            complete(plan, false);
            BatonException reason = internal("The model's forward pass failed.", e);
            plan.spans().forEach(span -> fail(span.sequence(), reason));
        }
        count(plan, sampled.size(), ticker.nanos() - started);
        sampled.forEach(token -> emit(token, false));
    }

    private void complete(Plan plan, boolean done) {
        lock.lock();
        try {
            scheduler.complete(plan, done);
        } finally {
            lock.unlock();
        }
    }

    private void count(Plan plan, int sampled, long nanos) {
        lock.lock();
        try {
            counters.step(plan, sampled, nanos);
        } finally {
            lock.unlock();
        }
    }

    private void hearStart(Sequence sequence) {
        SequenceListener listener = sequence.listener;
        if (!sequence.started && !sequence.cancelled && listener != null) {
            sequence.started = true;
            try {
                listener.onStarted();
            } catch (RuntimeException e) {
                failListener(sequence, e);
            }
        }
    }

    /** Only the sequence that it belongs to suffers from a listener that throws. */
    private void failListener(Sequence sequence, RuntimeException cause) {
        LOG.log(Level.ERROR, sequence.spec.id() + ": its listener failed", cause);
        fail(sequence, internal("What listens to the sequence failed.", cause));
    }

    /**
     * Tells a sequence's listener of its token, and decides whether the sequence goes on.
     *
     * @param appended whether the token is among the sequence's already
     */
    private void emit(StepRunner.Sampled sampled, boolean appended) {
        Sequence sequence = sampled.sequence();
        SequenceListener listener = sequence.listener;
        TokenOutput token = sampled.token();
        if (sequence.cancelled || listener == null) {
            return;
        }
        if (token == null) {
            fail(sequence, internal("The model gave a logit that is not finite.", null));
            return;
        }
        try {
            boolean goesOn = listener.onToken(token);
            FinishReason reason = book(sequence, token, appended, goesOn);
            if (reason != null && !sequence.cancelled) {
                listener.onFinished(reason);
            }
        } catch (RuntimeException e) {
            failListener(sequence, e);
        }
    }

    /** Appends the token or ends the sequence; null if the answer goes on here or elsewhere. */
    private @Nullable FinishReason book(
            Sequence sequence, TokenOutput token, boolean appended, boolean goesOn) {
        lock.lock();
        try {
            if (!appended) {
                sequence.append(token.token());
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

    private void failAll(BatonException reason) {
        List<Sequence> unfinished;
        lock.lock();
        try {
            unfinished = scheduler.unfinished();
            received.clear();
        } finally {
            lock.unlock();
        }
        unfinished.forEach(sequence -> fail(sequence, reason));
    }

    private void fail(Sequence sequence, BatonException reason) {
        SequenceListener listener = sequence.listener;
        boolean wasCancelled = sequence.cancelled;
        end(sequence);
        if (wasCancelled || listener == null) {
            return;
        }
        lock.lock();
        try {
            counters.failures++;
        } finally {
            lock.unlock();
        }
        try {
            listener.onError(reason);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, sequence.spec.id() + ": its listener failed", e);
        }
    }

    private static BatonException internal(String message, @Nullable Throwable cause) {
        return new BatonException(
                ErrorCode.INTERNAL,
                message + " The worker's log says more; send the request again.",
                null,
                cause);
    }
}

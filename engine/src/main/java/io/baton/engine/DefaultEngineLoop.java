package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.Constraint;
import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.TokenConstraint;
import io.baton.common.time.Ticker;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An engine, its thread and what callers ask of them. Bounds: open reservations are counted against
 * {@link EngineOptions#maxReservations()}, and every queued sequence has one.
 */
final class DefaultEngineLoop implements EngineLoop {
    private static final System.Logger LOG = System.getLogger(DefaultEngineLoop.class.getName());

    /** How long an end of the thread is waited for: longer than any step. */
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Engine engine;
    private final EngineOptions options;
    private final Language language;
    private final LoopState state;
    private final Thread thread;

    DefaultEngineLoop(Engine engine, EngineOptions options, Language language, Ticker ticker) {
        this(engine, options, language, KvParking.NONE, ticker);
    }

    DefaultEngineLoop(
            Engine engine,
            EngineOptions options,
            Language language,
            KvParking parking,
            Ticker ticker) {
        this.engine = engine;
        this.options = options;
        this.language = language;
        KvPool pool = new KvPool(options.poolBlocks());
        Scheduler scheduler =
                new Scheduler(
                        pool, limits(engine, options), options.policy(), parking != KvParking.NONE);
        this.state = new LoopState(pool, scheduler, language.endTokens());
        Sampler sampler = new Sampler(engine.config().vocab(), language.endTokens());
        StepRunner runner = new StepRunner(engine, sampler);
        this.thread =
                Thread.ofPlatform()
                        .name(options.name())
                        .daemon()
                        .unstarted(
                                new EngineThread(
                                        options.name(),
                                        state,
                                        runner,
                                        new Parking(parking, engine.pages()),
                                        ticker));
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
        for (int token : spec.prompt()) {
            checkToken(token);
        }
        for (int token : spec.emitted()) {
            checkToken(token);
        }
        Sequence sequence = new Sequence(spec, EngineOptions.BLOCK_TOKENS);
        sequence.constraint = constraint(spec);
        engine.zeroBlocks(state.reserve(sequence));
        return new PoolReservation(this, sequence, engine.pages());
    }

    /** The rule of a sequence's tokens, which those emitted so far have kept; null for none. */
    private @Nullable TokenConstraint constraint(SequenceSpec spec) {
        Constraint wanted = spec.sampling().constraint();
        if (wanted == null) {
            return null;
        }
        Set<Integer> ends = new HashSet<>(language.endTokens());
        ends.addAll(spec.sampling().stopTokenIds());
        TokenConstraint constraint =
                language.grammars().start(language.grammars().compile(wanted, "constraint"), ends);
        constraint.follow(spec.emitted(), 0, spec.emitted().length);
        return constraint;
    }

    private void checkToken(int token) {
        if (token < 0 || token >= config().vocab()) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "Token id %d is not in the vocabulary of %d tokens."
                            .formatted(token, config().vocab()),
                    "prompt");
        }
    }

    @Override
    public void prefill(Reservation reservation, SequenceListener listener, boolean thenDecode) {
        PoolReservation own = own(reservation);
        own.seal();
        state.enqueue(own.sequence(), listener, thenDecode);
    }

    @Override
    public void decode(Reservation reservation, TokenOutput next, SequenceListener listener) {
        PoolReservation own = own(reservation);
        requireNext(own.spec(), next);
        own.sealFilled();
        Sequence sequence = own.sequence();
        state.enqueueFilled(sequence, sequence.known, listener, next);
    }

    @Override
    public void resume(Reservation reservation, TokenOutput next, SequenceListener listener) {
        PoolReservation own = own(reservation);
        requireNext(own.spec(), next);
        own.seal();
        Sequence sequence = own.sequence();
        engine.zeroBlocks(state.makeRoomForNext(sequence));
        state.enqueueFilled(sequence, sequence.heldTokens, listener, next);
    }

    private void requireNext(SequenceSpec spec, TokenOutput next) {
        if (next.index() != spec.emitted().length) {
            throw new IllegalArgumentException(
                    "%s: token %d cannot follow %d emitted tokens"
                            .formatted(spec.id(), next.index(), spec.emitted().length));
        }
        checkToken(next.token());
    }

    private PoolReservation own(Reservation reservation) {
        if (reservation instanceof PoolReservation own && own.isOf(this)) {
            return own;
        }
        throw new IllegalArgumentException("the reservation belongs to another engine");
    }

    @Override
    public void cancel(Reservation reservation) {
        state.end(own(reservation).sequence());
    }

    void keep(Sequence sequence, int tokens) {
        state.keep(sequence, tokens);
    }

    void release(Sequence sequence) {
        state.release(sequence);
    }

    @Override
    public Stats stats() {
        return state.stats();
    }

    @Override
    public Counters counters() {
        return state.counters();
    }

    @Override
    public void clearCache() {
        state.clearCache();
    }

    @Override
    public void drain(long nanos) {
        BatonException reason =
                new BatonException(
                        ErrorCode.DRAINING,
                        "%s is shutting down. Send the request again; another worker takes it."
                                .formatted(options.name()));
        state.refuse(reason);
        state.awaitQuiet(nanos);
        state.endAll(reason);
        state.awaitQuiet(STOP_NANOS);
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
}

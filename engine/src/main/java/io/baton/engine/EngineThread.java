package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import io.baton.common.time.Ticker;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.StepRunner.Sampled;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the engine's thread does: turn after turn it takes a plan, runs the step, and tells the
 * listeners. A step that fails fails its sequences; a listener that throws fails its own; broken
 * bookkeeping ends everything, because then no block can be trusted.
 */
final class EngineThread implements Runnable {
    private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());

    private final String name;
    private final LoopState state;
    private final StepRunner runner;
    private final Parking parking;
    private final Ticker ticker;

    EngineThread(String name, LoopState state, StepRunner runner, Parking parking, Ticker ticker) {
        this.name = name;
        this.state = state;
        this.runner = runner;
        this.parking = parking;
        this.ticker = ticker;
    }

    @Override
    public void run() {
        try {
            while (true) {
                turn(state.nextTurn());
            }
        } catch (InterruptedException e) {
            LOG.log(Level.DEBUG, "{0} ends", name);
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, name + " stops: its own state is broken", e);
            BatonException reason = internal("The engine's state is broken; restart it.", e);
            state.endAll(reason);
            failAll(reason);
        } finally {
            state.stopped();
        }
    }

    private void turn(LoopState.Turn turn) {
        BatonException ending = turn.ending();
        if (ending != null) {
            failAll(ending);
            return;
        }
        for (Sampled token : turn.received()) {
            hear(token, true);
        }
        moveBlocks(turn.plan());
        if (!turn.plan().spans().isEmpty()) {
            step(turn.plan());
        }
    }

    /** In this order: a block that is given up may be among those that someone gets. */
    private void moveBlocks(Plan plan) {
        for (Scheduler.Leaving leaving : plan.leaving()) {
            parking.park(leaving);
            state.parked(leaving.sequence());
        }
        runner.zero(plan.newBlocks());
        for (Scheduler.Returning returning : plan.returning()) {
            state.restored(returning, parking.restore(returning));
        }
    }

    private void step(Plan plan) {
        long started = ticker.nanos();
        for (Span span : plan.spans()) {
            hearStart(span.sequence());
        }
        Optional<MemorySegment> logits = Optional.empty();
        StepRunner.Outcome outcome = StepRunner.Outcome.NOTHING;
        BatonException failure = null;
        try {
            logits = runner.forward(plan, state::isEnding, this::failListener);
        } catch (RuntimeException | Error e) {
            failure = stepFailed("The model's forward pass failed.", e);
        }
        // Outside of the try: what goes wrong in here is no failed step but broken bookkeeping.
        state.complete(plan, logits.isPresent());
        try {
            outcome = logits.isPresent() ? runner.sample(plan, logits.get()) : outcome;
        } catch (RuntimeException | Error e) {
            failure = stepFailed("Choosing the next token failed.", e);
        }
        state.count(plan, outcome, ticker.nanos() - started, logits.isPresent());
        if (failure != null) {
            for (Span span : plan.spans()) {
                fail(span.sequence(), failure);
            }
        }
        for (StepRunner.Scored scored : outcome.scored()) {
            hearPrompt(scored);
        }
        Sequence over = null;
        for (Sampled token : outcome.sampled()) {
            // Of several tokens, those behind one that ends the sequence never were.
            if (token.sequence() != over && !hear(token, false)) {
                over = token.sequence();
            }
        }
    }

    private BatonException stepFailed(String message, Throwable cause) {
        LOG.log(Level.ERROR, name + ": a step failed", cause);
        return internal(message, cause);
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

    private void hearPrompt(StepRunner.Scored scored) {
        Sequence sequence = scored.sequence();
        SequenceListener listener = sequence.listener;
        if (sequence.cancelled || listener == null) {
            return;
        }
        if (scored.tokens().isEmpty()) {
            failNotFinite(sequence);
            return;
        }
        List<TokenOutput> fresh = sequence.report(scored.tokens());
        if (fresh.isEmpty()) {
            return;
        }
        try {
            listener.onPromptTokens(fresh);
        } catch (RuntimeException e) {
            failListener(sequence, e);
        }
    }

    private void failUnchosen(Sequence sequence) {
        BatonException refused = sequence.refused;
        if (refused == null) {
            failNotFinite(sequence);
        } else {
            LOG.log(Level.WARNING, "{0}: {1}", sequence.spec.id(), refused.text());
            fail(sequence, refused);
        }
    }

    private void failNotFinite(Sequence sequence) {
        LOG.log(Level.ERROR, "{0}: a logit is not finite", sequence.spec.id());
        fail(sequence, internal("The model gave a logit that is not finite.", null));
    }

    /**
     * Tells a sequence's listener of its token and books it.
     *
     * @param appended whether the token is among the sequence's already
     * @return whether another one may follow
     */
    private boolean hear(Sampled sampled, boolean appended) {
        Sequence sequence = sampled.sequence();
        SequenceListener listener = sequence.listener;
        TokenOutput token = sampled.token();
        if (sequence.cancelled || listener == null) {
            return false;
        }
        if (token == null) {
            failUnchosen(sequence);
            return false;
        }
        boolean goesOn;
        try {
            goesOn = listener.onToken(token);
        } catch (RuntimeException e) {
            failListener(sequence, e);
            return false;
        }
        FinishReason reason = state.book(sampled, token, appended, goesOn);
        if (reason != null && !sequence.cancelled) {
            try {
                listener.onFinished(reason);
            } catch (RuntimeException e) {
                // It heard the end and may not hear another.
                LOG.log(Level.ERROR, sequence.spec.id() + ": its listener failed at the end", e);
            }
        }
        return reason == null && sequence.generates;
    }

    private void failListener(Sequence sequence, RuntimeException cause) {
        LOG.log(Level.ERROR, sequence.spec.id() + ": its listener failed", cause);
        fail(sequence, internal("What listens to the sequence failed.", cause));
    }

    private void failAll(BatonException reason) {
        for (Sequence sequence : state.unfinished()) {
            fail(sequence, reason);
        }
    }

    private void fail(Sequence sequence, BatonException reason) {
        SequenceListener listener = sequence.listener;
        boolean wasCancelled = sequence.cancelled;
        state.end(sequence);
        if (wasCancelled || listener == null) {
            return;
        }
        state.countFailure();
        try {
            listener.onError(reason);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, sequence.spec.id() + ": its listener failed at its error", e);
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

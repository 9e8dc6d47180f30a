package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.proto.Finished;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Token;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.WorkerView;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where one sequence stands, and its one end. Written by {@link SequenceSteps} and {@link
 * SequenceMachine} alone, on the sequence's thread.
 */
final class SequenceState {
    final SequenceRequest request;
    final SequenceMachine.Ports ports;
    final OpenLegs legs;
    final SequenceLedger ledger;
    final Emitted emitted;
    private final int aliveMillis;
    private final long firstTokenNanos;

    /** Raised by every attempt and every new ticket; what carries an older one is stale. */
    int epoch;

    /** Who is to prefill once there is a ticket; null if the decoder does. */
    @Nullable WorkerView nextPrefiller;

    /** Whether the decoder of the attempt has all KV of the prompt. */
    boolean kvReady;

    /** Whether the attempt began with nothing emitted: its reuse is the request's. */
    boolean fresh;

    /** Tokens that were emitted when the attempt began: its workers know of no others. */
    int knownEmitted;

    /** Whether the prefiller has said what it did. */
    boolean prefillReported;

    /** The decoder's end, while the prefiller's report is waited for. */
    @Nullable Finished pendingEnd;

    /** Reading of the ticker until which there is nothing to do; empty while there is no wait. */
    OptionalLong wakeAtNanos = OptionalLong.empty();

    private boolean over;
    private @Nullable BatonException error;

    SequenceState(
            SequenceRequest request,
            SequenceMachine.Ports ports,
            SequenceMachine.Bounds bounds,
            Emitted emitted) {
        this.request = request;
        this.ports = ports;
        this.legs =
                new OpenLegs(ports.legs(), ports.events(), ports.ticker(), bounds.silenceNanos());
        this.ledger = new SequenceLedger(ports.ticker().nanos(), request);
        this.emitted = emitted;
        this.aliveMillis = bounds.aliveMillis();
        this.firstTokenNanos = bounds.firstTokenNanos();
    }

    long now() {
        return ports.ticker().nanos();
    }

    boolean isOver() {
        return over;
    }

    /** Why it failed; null if it did not. */
    @Nullable BatonException error() {
        return error;
    }

    /** The answer is complete. */
    void finish(Finished end) {
        ledger.completionTokens = emitted.count();
        try {
            ports.sink().finished(request.choice(), end);
        } catch (BatonException e) {
            fail(e);
            return;
        }
        end(end.getReason());
    }

    /** Ends with an error, unless it has ended. */
    void fail(BatonException why) {
        if (!over) {
            error = why;
            end(why.code().code());
        }
    }

    private void end(String outcome) {
        over = true;
        ledger.ended(outcome, now());
        legs.endDecode(Outcome.CANCELLED);
        legs.endPrefill(Outcome.CANCELLED);
    }

    /** What a decision needs to know now. */
    RequestFeatures features(Set<String> excluded) {
        return new RequestFeatures(
                request.id(),
                request.prompt().length + emitted.count(),
                request.sampling().maxTokens() - emitted.count(),
                ports.routing().held(),
                request.reportsPrompt(emitted.count()),
                excluded);
    }

    /** The request as the next worker of the attempt takes it. */
    GenerationSpec spec() {
        return request.spec(epoch, emitted.ids().subList(0, knownEmitted), now()).toBuilder()
                .setAliveMillis(aliveMillis)
                .setFirstTokenMillis(firstTokenMillis())
                .build();
    }

    /** Time left until the first token should be there; 0 for no such wish. */
    private long firstTokenMillis() {
        return firstTokenNanos == 0
                ? 0
                : Math.max(1, TimeUnit.NANOSECONDS.toMillis(firstTokenNanos - ledger.since(now())));
    }

    /** The decoder shall compute the prompt itself, and go on from what the client has. */
    Reticket localPrefill() {
        Reticket.Builder reticket = Reticket.newBuilder().setEpoch(epoch).setLocalPrefill(true);
        if (emitted.count() > knownEmitted) {
            reticket.setGiven(
                    Token.newBuilder()
                            .setIndex(knownEmitted)
                            .setId(emitted.ids().get(knownEmitted)));
        }
        return reticket.build();
    }
}

package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.time.Ticker;
import io.baton.router.dispatch.LegEvent.Closed;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One answer from its first decision to its end: the state machine of the router.
 *
 * <pre>
 * start --route--> RESERVING --ticket--> FILLING --transfer done--> DECODING --finished--> over
 *                      |  local prefill                                ^
 *                      +------------------- first token ---------------+
 *
 * prefiller lost before the transfer is done: epoch + 1, reticket, another prefiller or local
 * decoder lost at any time:                   epoch + 1, another decoder with the emitted tokens
 * decoder has no room:                        another decoder, or wait and try again
 * silent for too long:                        as lost
 * </pre>
 *
 * Rules: a token is taken from whichever leg has it first, each index once and without a gap; what
 * a leg says after it was given up counts nothing; two workers lost with the same request end it,
 * as it may be what kills them; retries are bounded by attempts and by the router's {@link
 * RetryBudget}.
 *
 * <p>This class takes events and time; {@link SequenceSteps} has the transitions, {@link
 * SequenceState} what they change, {@link Failover} the decisions after a failure.
 *
 * <p>Confined to one thread. It ends exactly once: by {@link #isOver()} with {@link #error()} or
 * without.
 */
final class SequenceMachine {
    /**
     * What a machine works with.
     *
     * @param events takes the legs' events to the machine's thread; safe for any thread
     */
    record Ports(
            Legs legs,
            Routing routing,
            SequenceSink sink,
            Consumer<LegEvent> events,
            Ticker ticker,
            Counters counters) {}

    /** Heard at every retry and decision, for metrics. */
    interface Counters {
        void decided(boolean local);

        void retried(String leg, ErrorCode why);

        /** A worker was silent on a leg, or its engine stood still. */
        void stalled(String leg);
    }

    /**
     * Bounds of a machine.
     *
     * @param maxAttempts attempts at most, the first included
     * @param queueNanos longest wait for a decoder with room
     * @param silenceNanos longest silence of a leg before it is taken for lost
     * @param firstTokenNanos by when the first token should be there; 0 for no such wish
     */
    record Bounds(
            int maxAttempts,
            long queueNanos,
            long silenceNanos,
            long firstTokenNanos,
            RetryBudget budget) {
        /** Several signs are due within the limit, so that one that is late proves nothing. */
        private static final int SIGNS_WITHIN_LIMIT = 4;

        int aliveMillis() {
            long millis = TimeUnit.NANOSECONDS.toMillis(silenceNanos / SIGNS_WITHIN_LIMIT);
            return (int) Math.clamp(millis, 1, Integer.MAX_VALUE);
        }
    }

    private final SequenceState state;
    private final SequenceSteps steps;

    SequenceMachine(SequenceRequest request, Ports ports, Bounds bounds, Emitted emitted) {
        this.state = new SequenceState(request, ports, bounds, emitted);
        this.steps = new SequenceSteps(state, new Failover(request.id(), bounds, ports.counters()));
    }

    boolean isOver() {
        return state.isOver();
    }

    /** Why it failed; null if it did not. */
    @Nullable BatonException error() {
        return state.error();
    }

    SequenceLedger ledger() {
        return state.ledger;
    }

    /** Reading of the ticker at which {@link LegEvent.Woken} is due at the latest. */
    long wakeAtNanos() {
        long deadline = state.request.deadlineNanos();
        long at = state.wakeAtNanos.orElse(deadline);
        return state.legs.silentAtNanos(at - deadline > 0 ? deadline : at);
    }

    /** Routes and opens the first leg. */
    void start() {
        steps.openDecode();
    }

    /** Ends with an error that arose outside, such as a client that does not read. */
    void fail(BatonException why) {
        state.fail(why);
    }

    /** Deals with one event. */
    void on(LegEvent event) {
        if (isOver()) {
            return;
        }
        OpenLegs legs = state.legs;
        switch (event) {
            case LegEvent.FromDecoder(int leg, DecodeEvent said) ->
                    legs.decode(leg).ifPresent(current -> steps.fromDecoder(current, said));
            case LegEvent.DecoderClosed(int leg, Closed how) ->
                    legs.decode(leg).ifPresent(current -> steps.retryDecode(current, how));
            case LegEvent.FromPrefiller(int leg, PrefillEvent said) ->
                    legs.prefill(leg).ifPresent(current -> steps.fromPrefiller(current, said));
            case LegEvent.PrefillerClosed(int leg, Closed how) ->
                    legs.prefill(leg).ifPresent(current -> steps.prefillerClosed(current, how));
            case LegEvent.Cancelled() ->
                    fail(new BatonException(ErrorCode.CLIENT_CLOSED, "the client has gone"));
            case LegEvent.Woken() -> woken();
        }
        endLostLegs();
    }

    private void woken() {
        long now = state.now();
        if (now - state.request.deadlineNanos() >= 0) {
            fail(
                    new BatonException(
                            ErrorCode.DEADLINE_EXCEEDED,
                            "the request took longer than its deadline_ms or http.request-timeout allows; ask for fewer tokens or give it more time"));
            return;
        }
        if (state.wakeAtNanos.isEmpty() || now - state.wakeAtNanos.getAsLong() < 0) {
            return;
        }
        state.wakeAtNanos = OptionalLong.empty();
        Finished end = state.pendingEnd;
        if (end != null) {
            state.finish(end);
        } else {
            steps.lookForRoom();
        }
    }

    /** A leg that is silent though its connection stands is lost like one whose socket closed. */
    private void endLostLegs() {
        OpenLegs legs = state.legs;
        long now = state.now();
        legs.decode()
                .ifPresent(
                        open ->
                                open.pulse()
                                        .loss(now)
                                        .map(why -> stalled("decode", why))
                                        .ifPresent(how -> steps.retryDecode(open, how)));
        legs.prefill()
                .ifPresent(
                        open ->
                                open.pulse()
                                        .loss(now)
                                        .map(why -> stalled("prefill", why))
                                        .ifPresent(how -> steps.prefillerClosed(open, how)));
    }

    private Closed stalled(String leg, String why) {
        state.ports.counters().stalled(leg);
        return new Closed(ErrorCode.WORKER_LOST, why, true);
    }
}

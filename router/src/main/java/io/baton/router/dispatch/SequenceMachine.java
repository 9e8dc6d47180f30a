package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.Finished;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.common.time.Ticker;
import io.baton.router.dispatch.LegEvent.Closed;
import io.baton.router.dispatch.Legs.DecodeLeg;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.dispatch.Legs.PrefillLeg;
import io.baton.router.route.Decision;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.WorkerView;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * </pre>
 *
 * Rules: a token is taken from whichever leg has it first, each index once and without a gap; what
 * a leg says after it was given up counts nothing; two workers lost with the same request end it,
 * as it may be what kills them; retries are bounded by attempts and by the router's {@link
 * RetryBudget}.
 *
 * <p>Confined to one thread. It ends exactly once: by {@link #isOver()} with {@link #error()} or
 * without.
 */
final class SequenceMachine {
    private static final Logger LOG = LoggerFactory.getLogger(SequenceMachine.class);
    private static final int SIGNS_WITHIN_LIMIT = 4;
    private static final long STATISTICS_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

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
     */
    record Bounds(int maxAttempts, long queueNanos, long silenceNanos, RetryBudget budget) {}

    private record Decode(
            int leg, WorkerView worker, DecodeLeg call, boolean local, LegPulse pulse) {}

    private record Prefill(int leg, WorkerView worker, PrefillLeg call, LegPulse pulse) {}

    private final SequenceRequest request;
    private final Ports ports;
    private final Bounds bounds;
    private final RetryRules retries;
    private final RoomWait room;
    private final SequenceLedger ledger;
    private final Emitted emitted;
    private final Set<String> failed = new HashSet<>();
    private final Set<String> full = new HashSet<>();

    private @Nullable Decode decode;
    private @Nullable Prefill prefill;
    private @Nullable WorkerView nextPrefiller;
    private @Nullable Finished pendingEnd;
    private @Nullable BatonException error;
    private boolean over;
    private boolean kvReady;
    private boolean prefillReported;

    /** Whether the attempt under way began with nothing emitted: its reuse is the request's. */
    private boolean fresh;

    private int lastLeg;
    private int epoch;
    private long wakeAtNanos = Long.MAX_VALUE;

    SequenceMachine(SequenceRequest request, Ports ports, Bounds bounds, Emitted emitted) {
        this.request = request;
        this.ports = ports;
        this.bounds = bounds;
        this.retries = new RetryRules(bounds.maxAttempts(), bounds.budget());
        this.room = new RoomWait(bounds.queueNanos());
        this.emitted = emitted;
        this.ledger = new SequenceLedger(ports.ticker().nanos(), request);
    }

    boolean isOver() {
        return over;
    }

    /** Why it failed; null if it did not. */
    @Nullable BatonException error() {
        return error;
    }

    SequenceLedger ledger() {
        return ledger;
    }

    /** Reading of the ticker at which {@link LegEvent.Woken} is due at the latest. */
    long wakeAtNanos() {
        long at = request.deadlineNanos();
        if (wakeAtNanos != Long.MAX_VALUE) {
            at = earlier(at, wakeAtNanos);
        }
        if (decode != null) {
            at = earlier(at, decode.pulse().dueNanos());
        }
        if (prefill != null) {
            at = earlier(at, prefill.pulse().dueNanos());
        }
        return at;
    }

    private static long earlier(long nanos, long otherNanos) {
        return nanos - otherNanos < 0 ? nanos : otherNanos;
    }

    /** Routes and opens the first leg. */
    void start() {
        openDecode();
    }

    /** Deals with one event. */
    void on(LegEvent event) {
        if (over) {
            return;
        }
        switch (event) {
            case LegEvent.FromDecoder(int leg, DecodeEvent said) -> {
                Decode current = decode;
                if (current != null && current.leg() == leg) {
                    current.pulse().heard(ports.ticker().nanos());
                    fromDecoder(current, said);
                    current.call().consumed();
                }
            }
            case LegEvent.DecoderClosed(int leg, Closed how) -> {
                Decode current = decode;
                if (current != null && current.leg() == leg) {
                    retryDecode(current, how);
                }
            }
            case LegEvent.FromPrefiller(int leg, PrefillEvent said) -> {
                Prefill current = prefill;
                if (current != null && current.leg() == leg) {
                    current.pulse().heard(ports.ticker().nanos());
                    fromPrefiller(current, said);
                    current.call().consumed();
                }
            }
            case LegEvent.PrefillerClosed(int leg, Closed how) -> {
                Prefill current = prefill;
                if (current != null && current.leg() == leg) {
                    prefillerClosed(current, how);
                }
            }
            case LegEvent.Cancelled() ->
                    fail(new BatonException(ErrorCode.CLIENT_CLOSED, "the client has gone"));
            case LegEvent.Woken() -> woken();
        }
    }

    /** Ends with an error that arose outside, such as a client that does not read. */
    void fail(BatonException why) {
        if (over) {
            return;
        }
        error = why;
        end(why.code().code());
    }

    private void woken() {
        long now = ports.ticker().nanos();
        if (now - request.deadlineNanos() >= 0) {
            fail(
                    new BatonException(
                            ErrorCode.DEADLINE_EXCEEDED,
                            "the request took longer than http.request-timeout allows; ask for fewer tokens or raise it"));
            return;
        }
        lookAfterLegs(now);
        if (over || wakeAtNanos == Long.MAX_VALUE || now - wakeAtNanos < 0) {
            return;
        }
        wakeAtNanos = Long.MAX_VALUE;
        Finished end = pendingEnd;
        if (end != null) {
            finish(end);
        } else if (decode == null) {
            full.clear();
            openDecode();
        }
    }

    /** A leg that is silent though its connection stands is lost like one whose socket closed. */
    private void lookAfterLegs(long now) {
        Decode decoder = decode;
        if (decoder != null) {
            decoder.pulse()
                    .loss(now)
                    .ifPresent(why -> retryDecode(decoder, stalled("decode", why)));
        }
        Prefill prefiller = prefill;
        if (prefiller != null) {
            prefiller
                    .pulse()
                    .loss(now)
                    .ifPresent(why -> prefillerClosed(prefiller, stalled("prefill", why)));
        }
    }

    private Closed stalled(String leg, String why) {
        ports.counters().stalled(leg);
        return new Closed(ErrorCode.WORKER_LOST, why, true);
    }

    // ---- the decoder ----

    private void openDecode() {
        Optional<Finished> already = emitted.endReached(request.sampling());
        if (already.isPresent()) {
            finish(already.get());
            return;
        }
        long before = ports.ticker().nanos();
        Decision decision = ports.routing().decide(features());
        ledger.routeNanos += ports.ticker().nanos() - before;
        ledger.decided(decision);
        switch (decision) {
            case Decision.Unroutable(String reason, var _) -> unroutable(reason);
            case Decision.Routed routed -> open(routed);
        }
    }

    private void open(Decision.Routed routed) {
        epoch++;
        ledger.attempts++;
        ledger.epoch = epoch;
        kvReady = false;
        fresh = emitted.count() == 0;
        boolean local = routed.prefiller().isEmpty();
        nextPrefiller = routed.prefiller().orElse(null);
        ports.counters().decided(local);
        ledger.worker(routed.decoder().id());
        LOG.debug("{} epoch {}: {}", request.id(), epoch, routed.reason());
        int leg = ++lastLeg;
        DecodeLeg call =
                ports.legs()
                        .decode(
                                routed.decoder(),
                                DecodeStart.newBuilder()
                                        .setSpec(spec())
                                        .setDecoderIncarnation(routed.decoder().incarnation())
                                        .setLocalPrefill(local)
                                        .build(),
                                leg,
                                ports.events());
        decode = new Decode(leg, routed.decoder(), call, local, newPulse());
    }

    private void unroutable(String reason) {
        if (full.isEmpty()) {
            fail(
                    new BatonException(
                            failed.isEmpty() ? ErrorCode.NO_WORKER : ErrorCode.WORKER_LOST,
                            failed.isEmpty()
                                    ? "no decoder can take the request: %s; try again in a moment"
                                            .formatted(reason)
                                    : "the workers of this request were lost (%s) and no other can take it over: %s"
                                            .formatted(String.join(", ", failed), reason)));
            return;
        }
        OptionalLong next = room.next(ports.ticker().nanos());
        if (next.isEmpty()) {
            fail(
                    new BatonException(
                            ErrorCode.KV_POOL_EXHAUSTED,
                            "no decoder had room within %d ms; try again later"
                                    .formatted(
                                            TimeUnit.NANOSECONDS.toMillis(bounds.queueNanos()))));
            return;
        }
        wakeAtNanos = next.getAsLong();
    }

    private void fromDecoder(Decode current, DecodeEvent said) {
        switch (said.getKindCase()) {
            case TICKET -> {
                if (said.getTicket().getEpoch() == epoch) {
                    openPrefill(said.getTicket());
                }
            }
            case TRANSFER_DONE -> transferDone(current, said);
            case STARTED -> {
                ledger.prefillQueueNanos = said.getStarted().getQueueNanos();
                if (fresh) {
                    ledger.cachedTokens = said.getStarted().getCachedTokens();
                }
            }
            case TOKEN -> {
                if (current.local() || kvReady) {
                    decoderToken(current);
                }
                take(current, said.getToken());
            }
            case ALIVE -> {
                current.pulse().alive(said.getAlive(), ports.ticker().nanos());
                lookAfterLegs(ports.ticker().nanos());
            }
            case FINISHED -> finished(current, said.getFinished());
            case FAILURE -> decoderFailed(current, said);
            case KIND_NOT_SET -> LOG.debug("{}: an event of an unknown kind", request.id());
        }
    }

    private void transferDone(Decode current, DecodeEvent said) {
        kvReady = true;
        current.call().prefilled();
        ports.routing().placed(current.worker());
        ledger.transferDoneAtNanos = ledger.since(ports.ticker().nanos());
        TransferDone done = said.getTransferDone();
        ledger.transferNanos = done.getTransferNanos();
        if (said.getEpoch() == epoch) {
            // A decoder says it again under the next epoch if it was done before it heard of it.
            ledger.payloadBytes += done.getPayloadBytes();
            ledger.savedBytes += done.getSavedBytes();
        }
        if (fresh) {
            ledger.heldTokens = done.getHeldTokens();
        }
    }

    private void decoderToken(Decode current) {
        if (!kvReady) {
            kvReady = true;
            current.call().prefilled();
            ports.routing().placed(current.worker());
        }
        if (ledger.firstDecodeNanos == 0) {
            long from = Math.max(0, ledger.transferDoneAtNanos);
            ledger.firstDecodeNanos = ledger.since(ports.ticker().nanos()) - from;
        }
    }

    private void finished(Decode current, Finished end) {
        boolean remote = prefill != null && !prefillReported;
        current.call().end(Outcome.SUCCEEDED);
        decode = null;
        if (remote) {
            // The prefiller's own report travels on another stream; the usage is worth a moment.
            pendingEnd = end;
            wakeAtNanos = ports.ticker().nanos() + STATISTICS_WAIT_NANOS;
        } else {
            finish(end);
        }
    }

    private void finish(Finished end) {
        ledger.completionTokens = emitted.count();
        try {
            ports.sink().finished(request.choice(), end);
        } catch (BatonException e) {
            fail(e);
            return;
        }
        end(end.getReason());
    }

    private void decoderFailed(Decode current, DecodeEvent said) {
        ErrorCode code = ErrorCode.ofWire(said.getFailure().getCode());
        Closed how = new Closed(code, said.getFailure().getMessage(), false);
        if (code != ErrorCode.KV_TRANSFER_FAILED) {
            retryDecode(current, how);
        } else if (said.getEpoch() < epoch || kvReady) {
            // The failure of a transfer that was given up already: a new ticket is on its way. If
            // the
            // decoder has ended the attempt instead, its stream ends and that counts.
            ledger.note("decoder %s: %s (stale)".formatted(current.worker().id(), how.message()));
        } else if (current.local()) {
            retryDecode(current, how);
        } else {
            retryPrefill(how);
        }
    }

    private void retryDecode(Decode current, Closed how) {
        boolean noRoom = RetryRules.isFull(how.code());
        current.call().end(RetryRules.isBlameless(how.code()) ? Outcome.CANCELLED : Outcome.FAILED);
        decode = null;
        endPrefill(Outcome.CANCELLED);
        ledger.note("decoder %s: %s".formatted(current.worker().id(), how.message()));
        if (noRoom) {
            full.add(current.worker().id());
            ledger.attempts--;
            openDecode();
            return;
        }
        failed.add(current.worker().id());
        if (mayRetry("decode", current.worker(), how)) {
            openDecode();
        }
    }

    // ---- the prefiller ----

    private void openPrefill(Ticket ticket) {
        WorkerView worker = nextPrefiller;
        if (worker == null || prefill != null) {
            return;
        }
        int leg = ++lastLeg;
        prefillReported = false;
        ledger.worker(worker.id());
        PrefillLeg call =
                ports.legs()
                        .prefill(
                                worker,
                                PrefillRequest.newBuilder()
                                        .setSpec(spec())
                                        .setTicket(ticket)
                                        .setPrefillerIncarnation(worker.incarnation())
                                        .build(),
                                leg,
                                ports.events());
        prefill = new Prefill(leg, worker, call, newPulse());
    }

    private LegPulse newPulse() {
        return new LegPulse(bounds.silenceNanos(), ports.ticker().nanos());
    }

    private void fromPrefiller(Prefill current, PrefillEvent said) {
        switch (said.getKindCase()) {
            case STARTED -> {
                ledger.prefillQueueNanos = said.getStarted().getQueueNanos();
                if (fresh) {
                    ledger.cachedTokens = said.getStarted().getCachedTokens();
                }
            }
            case ALIVE -> {
                current.pulse().alive(said.getAlive(), ports.ticker().nanos());
                lookAfterLegs(ports.ticker().nanos());
            }
            case FIRST_TOKEN -> {
                Decode decoder = decode;
                if (decoder != null) {
                    take(decoder, said.getFirstToken());
                }
            }
            case DONE -> {
                prefillReported = true;
                ledger.prefillQueueNanos = said.getDone().getQueueNanos();
                ledger.prefillNanos = said.getDone().getPrefillNanos();
                if (fresh) {
                    ledger.cachedTokens = said.getDone().getCachedTokens();
                }
                ports.routing().placed(current.worker());
                endPrefill(Outcome.SUCCEEDED);
                Finished end = pendingEnd;
                if (end != null) {
                    finish(end);
                }
            }
            case FAILURE ->
                    prefillerClosed(
                            current,
                            new Closed(
                                    ErrorCode.ofWire(said.getFailure().getCode()),
                                    said.getFailure().getMessage(),
                                    false));
            case KIND_NOT_SET -> LOG.debug("{}: an event of an unknown kind", request.id());
        }
    }

    private void prefillerClosed(Prefill current, Closed how) {
        Finished end = pendingEnd;
        if (end != null) {
            endPrefill(Outcome.CANCELLED);
            finish(end);
        } else if (kvReady) {
            ledger.note(
                    "prefiller %s failed after its work was done: %s"
                            .formatted(current.worker().id(), how.message()));
            endPrefill(how.workerDied() ? Outcome.FAILED : Outcome.CANCELLED);
        } else {
            retryPrefill(how);
        }
    }

    private void retryPrefill(Closed how) {
        Decode decoder = decode;
        Prefill lost = prefill;
        if (decoder == null) {
            return;
        }
        WorkerView worker = lost == null ? nextPrefiller : lost.worker();
        endPrefill(RetryRules.isBlameless(how.code()) ? Outcome.CANCELLED : Outcome.FAILED);
        if (worker != null) {
            failed.add(worker.id());
            ledger.note("prefiller %s: %s".formatted(worker.id(), how.message()));
        }
        if (!mayRetry("prefill", worker, how)) {
            return;
        }
        epoch++;
        ledger.epoch = epoch;
        ledger.attempts++;
        Decision.Routed routed = ports.routing().decidePrefill(features(), decoder.worker());
        ledger.decided(routed);
        nextPrefiller = routed.prefiller().orElse(null);
        boolean local = nextPrefiller == null;
        ports.counters().decided(local);
        decode =
                new Decode(decoder.leg(), decoder.worker(), decoder.call(), local, decoder.pulse());
        decoder.call().reticket(epoch, local);
    }

    private void endPrefill(Outcome outcome) {
        Prefill current = prefill;
        prefill = null;
        if (current != null) {
            current.call().end(outcome);
        }
    }

    // ---- both ----

    private void take(Decode current, Token token) {
        switch (emitted.offer(token)) {
            case NEW -> {
                if (ledger.firstTokenAtNanos < 0) {
                    ledger.firstTokenAtNanos = ledger.since(ports.ticker().nanos());
                }
                ledger.hash(token.getIndex(), token.getLogitsSha256());
                ledger.completionTokens = emitted.count();
                try {
                    ports.sink().token(request.choice(), token);
                } catch (BatonException e) {
                    fail(e);
                }
            }
            case SEEN -> LOG.trace("{}: token {} again", request.id(), token.getIndex());
            case DIFFERS -> {
                LOG.error(
                        "{} epoch {}: token {} is {} on worker {}, another had given the client another one",
                        request.id(),
                        epoch,
                        token.getIndex(),
                        token.getId(),
                        current.worker().id());
                ledger.note("token %d differs between workers".formatted(token.getIndex()));
            }
            case GAP ->
                    retryDecode(
                            current,
                            new Closed(
                                    ErrorCode.INTERNAL,
                                    "it sent token %d, expected was %d"
                                            .formatted(token.getIndex(), emitted.count()),
                                    false));
        }
    }

    /** Whether a failure may be followed by another attempt; if not, the sequence has ended. */
    private boolean mayRetry(String leg, @Nullable WorkerView worker, Closed how) {
        String name = worker == null ? "a worker" : worker.id();
        Optional<BatonException> refusal = retries.refusal(name, how, ledger.attempts);
        if (refusal.isPresent()) {
            fail(refusal.get());
            return false;
        }
        ports.counters().retried(leg, how.code());
        LOG.warn(
                "{} epoch {}: {} on {} failed ({}: {}), trying again with {} tokens emitted",
                request.id(),
                epoch,
                leg,
                name,
                how.code().code(),
                how.message(),
                emitted.count());
        return true;
    }

    private void end(String outcome) {
        over = true;
        ledger.outcome = outcome;
        ledger.endAtNanos = ledger.since(ports.ticker().nanos());
        Decode current = decode;
        decode = null;
        if (current != null) {
            current.call().end(Outcome.CANCELLED);
        }
        endPrefill(Outcome.CANCELLED);
    }

    private RequestFeatures features() {
        Set<String> excluded = new HashSet<>(failed);
        excluded.addAll(full);
        return new RequestFeatures(
                request.id(),
                request.prompt().length + emitted.count(),
                request.sampling().maxTokens() - emitted.count(),
                ports.routing().held(),
                excluded);
    }

    private GenerationSpec spec() {
        return request.spec(epoch, emitted.ids(), ports.ticker().nanos()).toBuilder()
                .setAliveMillis(aliveMillis())
                .build();
    }

    /** Several signs are due within the limit, so that a late or lost one proves nothing. */
    private int aliveMillis() {
        long millis = TimeUnit.NANOSECONDS.toMillis(bounds.silenceNanos() / SIGNS_WITHIN_LIMIT);
        return (int) Math.clamp(millis, 1, Integer.MAX_VALUE);
    }
}

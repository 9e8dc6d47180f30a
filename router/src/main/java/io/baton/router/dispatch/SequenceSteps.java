package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Recompute;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.router.dispatch.LegEvent.Closed;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.dispatch.OpenLegs.Decode;
import io.baton.router.dispatch.OpenLegs.Prefill;
import io.baton.router.route.Decision;
import io.baton.router.route.WorkerView;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transitions of a {@link SequenceMachine}: what the workers' words and ends do to its {@link
 * SequenceState}. Confined to the sequence's thread.
 */
final class SequenceSteps {
    private static final Logger LOG = LoggerFactory.getLogger(SequenceSteps.class);
    private static final long STATISTICS_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final SequenceState state;
    private final Failover failover;

    SequenceSteps(SequenceState state, Failover failover) {
        this.state = state;
        this.failover = failover;
    }

    // ---- the decoder ----

    /** Routes, and opens the leg to the decoder, unless all is emitted already. */
    void openDecode() {
        Optional<Finished> already = state.emitted.endReached(state.request.sampling());
        if (already.isPresent()) {
            state.finish(already.get());
            return;
        }
        long before = state.now();
        Decision decision = state.ports.routing().decide(state.features(failover.excluded()));
        state.ledger.routeNanos += state.now() - before;
        state.ledger.decided(decision);
        switch (decision) {
            case Decision.Unroutable(String reason, var _) -> {
                state.wakeAtNanos = failover.roomAt(state.now());
                if (state.wakeAtNanos.isEmpty()) {
                    state.fail(failover.noDecoder(reason));
                }
            }
            case Decision.Routed routed -> open(routed);
        }
    }

    /** A wait for a decoder with room is over. */
    void lookForRoom() {
        if (state.legs.decode().isEmpty()) {
            failover.forgetFull();
            openDecode();
        }
    }

    private void open(Decision.Routed routed) {
        state.ledger.began(++state.epoch);
        state.kvReady = false;
        state.knownEmitted = state.emitted.count();
        state.fresh = state.knownEmitted == 0;
        boolean local = routed.prefiller().isEmpty();
        state.nextPrefiller = routed.prefiller().orElse(null);
        state.ports.counters().decided(local);
        state.ledger.worker(routed.decoder().id());
        state.ledger.sameness(routed.decoder().sameness());
        LOG.debug("{} epoch {}: {}", state.request.id(), state.epoch, routed.reason());
        state.legs.open(
                routed.decoder(),
                DecodeStart.newBuilder()
                        .setSpec(state.spec())
                        .setDecoderIncarnation(routed.decoder().incarnation())
                        .setLocalPrefill(local)
                        .build());
    }

    void fromDecoder(Decode current, DecodeEvent said) {
        current.pulse().heard(state.now());
        switch (said.getKindCase()) {
            case TICKET -> {
                if (said.getTicket().getEpoch() == state.epoch) {
                    openPrefill(said.getTicket());
                }
            }
            case TRANSFER_DONE -> {
                kvReady(current);
                // A decoder says it again under the next epoch if it was done before it heard.
                boolean counts = said.getEpoch() == state.epoch;
                state.ledger.heard(said.getTransferDone(), counts, state.fresh, state.now());
            }
            case STARTED -> state.ledger.heard(said.getStarted(), state.fresh);
            case PROMPT_TOKENS -> promptTokens(said.getPromptTokens());
            case TOKEN -> {
                if (current.local() || state.kvReady) {
                    if (!state.kvReady) {
                        kvReady(current);
                    }
                    state.ledger.decoded(state.now());
                }
                take(current, said.getToken());
            }
            case ALIVE -> current.pulse().alive(said.getAlive(), state.now());
            case FINISHED -> finished(said.getFinished());
            case FAILURE -> decoderFailed(current, said);
            case KIND_NOT_SET -> LOG.debug("{}: an event of an unknown kind", state.request.id());
        }
        current.call().consumed();
    }

    private void kvReady(Decode current) {
        state.kvReady = true;
        current.call().prefilled();
        state.ports.routing().placed(current.worker());
    }

    private void promptTokens(PromptTokens tokens) {
        // An answer that goes on elsewhere has reported its prompt already.
        if (state.emitted.count() == 0) {
            state.ports.sink().prompt(state.request.choice(), tokens);
        }
    }

    private void finished(Finished end) {
        boolean remote = state.legs.prefill().isPresent() && !state.prefillReported;
        state.legs.endDecode(Outcome.SUCCEEDED);
        if (remote) {
            // The prefiller's own report travels on another stream; the usage is worth a moment.
            state.pendingEnd = end;
            state.wakeAtNanos = OptionalLong.of(state.now() + STATISTICS_WAIT_NANOS);
        } else {
            state.finish(end);
        }
    }

    private void decoderFailed(Decode current, DecodeEvent said) {
        ErrorCode code = ErrorCode.ofWire(said.getFailure().getCode());
        Closed how = new Closed(code, said.getFailure().getMessage(), false);
        if (code != ErrorCode.KV_TRANSFER_FAILED) {
            retryDecode(current, how);
        } else if (said.getEpoch() < state.epoch || state.kvReady) {
            // The failure of a transfer that was given up already: a new ticket is on its way. If
            // the decoder has ended the attempt instead, its stream ends and that counts.
            state.ledger.note(
                    "decoder %s: %s (stale)".formatted(current.worker().id(), how.message()));
        } else if (current.local()) {
            retryDecode(current, how);
        } else {
            retryPrefill(how);
        }
    }

    void retryDecode(Decode current, Closed how) {
        state.legs.endDecode(outcome(how));
        state.legs.endPrefill(Outcome.CANCELLED);
        state.ledger.note("decoder %s: %s".formatted(current.worker().id(), how.message()));
        if (RetryRules.isFull(how.code())) {
            failover.full(current.worker());
            state.ledger.foundNoRoom();
            openDecode();
            return;
        }
        failover.failed("decode", current.worker(), how, state.ledger)
                .ifPresentOrElse(state::fail, this::openDecode);
    }

    private static Outcome outcome(Closed how) {
        return RetryRules.isBlameless(how.code()) ? Outcome.CANCELLED : Outcome.FAILED;
    }

    // ---- the prefiller ----

    private void openPrefill(Ticket ticket) {
        WorkerView worker = state.nextPrefiller;
        if (worker == null || state.legs.prefill().isPresent()) {
            return;
        }
        state.prefillReported = false;
        state.ledger.worker(worker.id());
        state.legs.open(
                worker,
                PrefillRequest.newBuilder()
                        .setSpec(state.spec())
                        .setTicket(ticket)
                        .setPrefillerIncarnation(worker.incarnation())
                        .build());
    }

    void fromPrefiller(Prefill current, PrefillEvent said) {
        current.pulse().heard(state.now());
        switch (said.getKindCase()) {
            case STARTED -> state.ledger.heard(said.getStarted(), state.fresh);
            case ALIVE -> current.pulse().alive(said.getAlive(), state.now());
            case FIRST_TOKEN ->
                    state.legs
                            .decode()
                            .ifPresent(
                                    decoder -> {
                                        state.ledger.prefilled(state.now());
                                        take(decoder, said.getFirstToken());
                                    });
            case DONE -> {
                state.prefillReported = true;
                state.ledger.heard(said.getDone(), state.fresh);
                state.ports.routing().placed(current.worker());
                state.legs.endPrefill(Outcome.SUCCEEDED);
                Finished end = state.pendingEnd;
                if (end != null) {
                    state.finish(end);
                }
            }
            case RECOMPUTE -> recompute(said.getRecompute());
            case FAILURE ->
                    prefillerClosed(
                            current,
                            new Closed(
                                    ErrorCode.ofWire(said.getFailure().getCode()),
                                    said.getFailure().getMessage(),
                                    false));
            case KIND_NOT_SET -> LOG.debug("{}: an event of an unknown kind", state.request.id());
        }
        current.call().consumed();
    }

    /** The link is too slow: the decoder keeps what has come and computes the rest. */
    private void recompute(Recompute said) {
        Decode decoder = state.legs.decode().orElse(null);
        if (decoder == null || state.kvReady) {
            // All has come after all.
            return;
        }
        state.ledger.heard(said, state.fresh);
        state.ledger.epoch = ++state.epoch;
        state.nextPrefiller = null;
        state.ports.counters().decided(true);
        state.legs.reticket(decoder, state.localPrefill());
        // Only now: the transfer stays open until the decoder knows better.
        state.legs.endPrefill(Outcome.SUCCEEDED);
    }

    void prefillerClosed(Prefill current, Closed how) {
        Finished end = state.pendingEnd;
        if (end != null) {
            state.legs.endPrefill(Outcome.CANCELLED);
            state.finish(end);
        } else if (state.kvReady) {
            state.ledger.note(
                    "prefiller %s failed after its work was done: %s"
                            .formatted(current.worker().id(), how.message()));
            state.legs.endPrefill(how.workerDied() ? Outcome.FAILED : Outcome.CANCELLED);
        } else {
            retryPrefill(how);
        }
    }

    private void retryPrefill(Closed how) {
        Decode decoder = state.legs.decode().orElse(null);
        if (decoder == null) {
            return;
        }
        WorkerView worker = state.legs.prefill().map(Prefill::worker).orElse(state.nextPrefiller);
        state.legs.endPrefill(outcome(how));
        if (worker != null) {
            state.ledger.note("prefiller %s: %s".formatted(worker.id(), how.message()));
        }
        failover.failed("prefill", worker, how, state.ledger)
                .ifPresentOrElse(state::fail, () -> reticket(decoder));
    }

    private void reticket(Decode decoder) {
        state.ledger.began(++state.epoch);
        Decision.Routed routed =
                state.ports
                        .routing()
                        .decidePrefill(state.features(failover.excluded()), decoder.worker());
        state.ledger.decided(routed);
        state.nextPrefiller = routed.prefiller().orElse(null);
        boolean local = state.nextPrefiller == null;
        state.ports.counters().decided(local);
        state.legs.reticket(
                decoder,
                local ? state.localPrefill() : Reticket.newBuilder().setEpoch(state.epoch).build());
    }

    // ---- both ----

    private void take(Decode current, Token token) {
        switch (state.emitted.offer(token)) {
            case NEW -> {
                state.ledger.emitted(token, state.now());
                try {
                    state.ports.sink().token(state.request.choice(), token);
                } catch (BatonException e) {
                    state.fail(e);
                }
            }
            case SEEN -> LOG.trace("{}: token {} again", state.request.id(), token.getIndex());
            case DIFFERS -> {
                LOG.error(
                        "{} epoch {}: token {} is {} on worker {}, another had given the client another one",
                        state.request.id(),
                        state.epoch,
                        token.getIndex(),
                        token.getId(),
                        current.worker().id());
                retryDecode(
                        current,
                        new Closed(
                                ErrorCode.INTERNAL,
                                "token %d differs between workers".formatted(token.getIndex()),
                                false));
            }
            case GAP ->
                    retryDecode(
                            current,
                            new Closed(
                                    ErrorCode.INTERNAL,
                                    "it sent token %d, expected was %d"
                                            .formatted(token.getIndex(), state.emitted.count()),
                                    false));
        }
    }
}

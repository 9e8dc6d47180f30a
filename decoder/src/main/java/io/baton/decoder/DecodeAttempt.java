package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.common.time.Timer;
import io.baton.common.worker.AttemptCall;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.Outlet;
import io.baton.decoder.DecodeState.AwaitingReticket;
import io.baton.decoder.DecodeState.Decoding;
import io.baton.decoder.DecodeState.Ended;
import io.baton.decoder.DecodeState.Prefilling;
import io.baton.decoder.DecodeState.Reserving;
import io.baton.decoder.DecodeState.WaitingKv;
import io.baton.engine.Reservation;
import io.baton.engine.SequenceSpec;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvReceiver.InboundTransfer;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferStats;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request on this decoder, from reservation to the last token: the state machine of {@link
 * DecodeState}. Confined to its mailbox: every method but the constructor runs there. It never
 * blocks, and a message of an old epoch changes nothing.
 */
final class DecodeAttempt implements AttemptCall.Attempt {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeAttempt.class);

    private final DecodePorts ports;
    private final GenerationRequest request;
    private final SequenceSpec spec;
    private final Executor mailbox;
    private final DecodeEvents events;
    private final Timer.Handle deadline;
    private DecodeState state = new Reserving();
    private long lastTokenNanos = -1;

    /** Tokens whose KV was in the pool at the start: what is transferred later is no reuse. */
    private int foundTokens;

    /**
     * @param keys chain of the tenant's blocks
     * @param mailbox runs what other threads have to say, in order
     */
    DecodeAttempt(
            DecodePorts ports,
            GenerationRequest request,
            KeyChain keys,
            Executor mailbox,
            Outlet<DecodeEvent> outlet) {
        this.ports = ports;
        this.request = request;
        this.spec =
                new SequenceSpec(
                        request.requestId(),
                        request.prompt(),
                        request.emitted(),
                        request.sampling(),
                        keys,
                        request.debugLogits(),
                        request.terms());
        this.mailbox = mailbox;
        this.events = new DecodeEvents(outlet, ports.identity().incarnation(), request.epoch());
        this.deadline = after(request.deadlineNanos(), () -> fail(overdue()));
        ports.meters().attemptBegan();
    }

    DecodeState state() {
        return state;
    }

    String requestId() {
        return request.requestId();
    }

    /** Reserves, then gives a ticket or prefills here. */
    void start(boolean localPrefill) {
        if (!(state instanceof Reserving)) {
            return;
        }
        Reservation place;
        try {
            place = ports.engine().reserve(spec);
        } catch (BatonException e) {
            fail(e);
            return;
        }
        foundTokens = place.heldTokens();
        goOn(place, foundTokens, localPrefill, null);
    }

    /**
     * The router lost the prefiller. Verified blocks stay; the old transfer is forgotten. If all KV
     * came before the message, {@code TransferDone} is said again under the new epoch and no ticket
     * is given.
     *
     * @return false if the epoch is not newer than the attempt's, and nothing has changed
     */
    boolean reticket(Reticket reticket) {
        int newEpoch = reticket.getEpoch();
        boolean localPrefill = reticket.getLocalPrefill();
        Token given = reticket.hasGiven() ? reticket.getGiven() : null;
        if (newEpoch <= events.epoch()) {
            ports.meters().stale();
            LOG.info(
                    "{} epoch {}: reticket of epoch {} is stale",
                    requestId(),
                    events.epoch(),
                    newEpoch);
            return false;
        }
        switch (state) {
            case Reserving _, Ended _ -> {
                return false;
            }
            case WaitingKv waiting -> {
                events.renew(newEpoch);
                goOn(waiting.place(), leave(waiting), localPrefill, given);
            }
            case AwaitingReticket awaiting -> {
                events.renew(newEpoch);
                awaiting.lease().cancel();
                ports.meters().leaseEnded();
                goOn(awaiting.place(), awaiting.verifiedTokens(), localPrefill, given);
            }
            case Prefilling _ -> events.renew(newEpoch);
            case Decoding decoding -> {
                events.renew(newEpoch);
                events.transferDoneAgain(decoding.transfer());
            }
        }
        return true;
    }

    /** The router is gone or wants no more. */
    @Override
    public void cancel() {
        if (!(state instanceof Ended)) {
            LOG.debug("{} epoch {}: cancelled in {}", requestId(), events.epoch(), name());
            release();
            ports.meters().attemptCancelled();
            events.cancelled();
        }
    }

    /** Ends the attempt with one typed error. */
    @Override
    public void fail(BatonException error) {
        if (!(state instanceof Ended)) {
            LOG.warn(
                    "{} epoch {}: {} in {}: {}",
                    requestId(),
                    events.epoch(),
                    error.code().code(),
                    name(),
                    error.text());
            release();
            ports.meters().attemptFailed(error.code());
            events.failed(error);
        }
    }

    /** Gives a sign of life. */
    void sayAlive() {
        boolean onEngine =
                switch (state) {
                    case Prefilling _, Decoding _ -> true;
                    case Reserving _, WaitingKv _, AwaitingReticket _, Ended _ -> false;
                };
        events.alive(
                ports.identity()
                        .options()
                        .limits()
                        .alive(ports.engine().stats().steps(), onEngine));
    }

    // ---- the way to KV ----

    private void goOn(
            Reservation place, int verifiedTokens, boolean localPrefill, @Nullable Token given) {
        try {
            if (localPrefill) {
                // What came whole before the loss is computed no more.
                place.keepWritten(
                        IssuedTicket.wholeBlocks(
                                verifiedTokens, request.knownTokens(), place.layout()));
                if (given == null) {
                    state = new Prefilling(place, ports.now());
                    ports.engine().prefill(place, new EngineTap(this), true);
                } else {
                    TokenOutput next =
                            TransferReceipt.first(
                                    given,
                                    request.emitted().length,
                                    ports.machines().tokenizer().vocabSize());
                    state = new Decoding(place, TransferDone.getDefaultInstance(), ports.now());
                    ports.engine().resume(place, next, new EngineTap(this));
                }
            } else {
                giveTicket(place, verifiedTokens);
            }
        } catch (BatonException e) {
            if (!(state instanceof Prefilling || state instanceof Decoding)) {
                // Not in a state that knows the place yet.
                place.close();
            }
            fail(e);
        }
    }

    private void giveTicket(Reservation place, int verifiedTokens) {
        IssuedTicket ticket =
                IssuedTicket.of(ports, spec, events.epoch(), place.layout(), verifiedTokens);
        TransferId id = ticket.id();
        InboundTransfer transfer =
                ports.machines()
                        .receiver()
                        .expect(id, ticket.spec(), new PoolSink(place), hears(id));
        Timer.Handle lease = after(leaseNanos(), () -> leaseOver(id));
        state = new WaitingKv(place, transfer, ticket, lease);
        ports.meters().leaseBegan();
        events.ticket(ticket.message());
    }

    private InboundListener hears(TransferId id) {
        return new InboundListener() {
            @Override
            public void onComplete(byte[] trailer, TransferStats stats) {
                mailbox.execute(() -> transferComplete(id, trailer, stats));
            }

            @Override
            public void onFailed(BatonException reason) {
                mailbox.execute(() -> transferFailed(id, reason));
            }
        };
    }

    private void leaseOver(TransferId id) {
        // Once it has begun, the receiver tells a slow sender from a dead one.
        if (state instanceof WaitingKv waiting
                && waiting.id().equals(id)
                && !waiting.transfer().hasBegun()) {
            fail(lost("no prefiller began to send within the ticket's lease of %d ms"));
        }
    }

    private void transferComplete(TransferId id, byte[] trailer, TransferStats stats) {
        if (!(state instanceof WaitingKv waiting) || !waiting.id().equals(id)) {
            return;
        }
        TransferReceipt receipt;
        try {
            receipt =
                    TransferReceipt.of(
                            trailer,
                            request.emitted().length,
                            ports.machines().tokenizer().vocabSize(),
                            waiting.ticket(),
                            stats);
        } catch (BatonException e) {
            transferFailed(id, e);
            return;
        }
        leave(waiting);
        ports.meters()
                .transferred(stats.nanos(), stats.payloadBytes(), waiting.ticket().savedBytes());
        state = new Decoding(waiting.place(), receipt.done(), ports.now());
        events.transferDone(receipt.done());
        try {
            ports.engine().decode(waiting.place(), receipt.first(), new EngineTap(this));
        } catch (BatonException e) {
            fail(e);
        }
    }

    private void transferFailed(TransferId id, BatonException reason) {
        if (!(state instanceof WaitingKv waiting) || !waiting.id().equals(id)) {
            return;
        }
        LOG.warn("{} epoch {}: transfer failed: {}", requestId(), events.epoch(), reason.text());
        ports.meters().error(reason.code());
        int verified = leave(waiting);
        ports.meters().leaseBegan();
        Timer.Handle lease = after(leaseNanos(), () -> reticketOverdue(id));
        state = new AwaitingReticket(waiting.place(), verified, lease);
        events.transferFailed(reason);
    }

    private void reticketOverdue(TransferId failed) {
        if (state instanceof AwaitingReticket && events.epoch() == failed.epoch()) {
            fail(lost("no other prefiller was named within %d ms after a failed transfer"));
        }
    }

    /** Forgets a transfer; afterwards nothing writes to the place. Tells what is verified. */
    private int leave(WaitingKv waiting) {
        waiting.lease().cancel();
        ports.meters().leaseEnded();
        int verified = waiting.ticket().spec().fromToken() + waiting.transfer().completeTokens();
        waiting.transfer().close();
        return verified;
    }

    // ---- the answer; posted by EngineTap ----

    void prefillStarted(long nanos) {
        if (state instanceof Prefilling prefilling) {
            long queueNanos = nanos - prefilling.sinceNanos();
            int cached = Math.min(foundTokens, prefilling.place().heldTokens());
            ports.meters().started(queueNanos, cached);
            state = new Prefilling(prefilling.place(), nanos);
            events.started(queueNanos, cached);
        }
    }

    void promptTokens(PromptTokens tokens) {
        if (state instanceof Prefilling) {
            events.promptTokens(tokens);
        }
    }

    void token(Token token, long nanos) {
        if (state instanceof Prefilling prefilling) {
            int computed = request.knownTokens() - prefilling.place().heldTokens();
            long took = nanos - prefilling.sinceNanos();
            ports.meters().prefilled(took, computed);
            ports.around().prefillTokensPerSecond().add(computed, took / 1e9);
            state = new Decoding(prefilling.place(), TransferDone.getDefaultInstance(), nanos);
        }
        if (state instanceof Decoding) {
            long gap = lastTokenNanos < 0 ? -1 : nanos - lastTokenNanos;
            lastTokenNanos = nanos;
            ports.meters().token(gap);
            if (gap >= 0) {
                ports.around().decodeSecondsPerToken().add(gap / 1e9, 1);
            }
            events.token(token);
        }
    }

    void finished(Finished.Builder finished, long nanos) {
        if (state instanceof Decoding decoding) {
            long took = nanos - decoding.sinceNanos();
            ports.meters().decoded(took);
            release();
            ports.meters().attemptEnded();
            events.finished(finished.setDecodeNanos(took).build());
        }
    }

    // ---- ends ----

    /** Frees everything the state holds. Transfers first: then nobody writes to the place. */
    private void release() {
        DecodeState last = state;
        // First, so that an end that fails halfway is not tried again.
        state = new Ended();
        deadline.cancel();
        switch (last) {
            case Reserving _, Ended _ -> {}
            case WaitingKv waiting -> {
                leave(waiting);
                waiting.place().close();
            }
            case AwaitingReticket awaiting -> {
                awaiting.lease().cancel();
                ports.meters().leaseEnded();
                awaiting.place().close();
            }
            case Prefilling prefilling -> endSequence(prefilling.place());
            case Decoding decoding -> endSequence(decoding.place());
        }
    }

    private void endSequence(Reservation place) {
        ports.engine().cancel(place);
        place.close();
    }

    private Timer.Handle after(long nanos, Runnable task) {
        return ports.around().timer().after(nanos, () -> mailbox.execute(task));
    }

    private long leaseNanos() {
        return ports.identity().options().limits().leaseNanos();
    }

    DecodePorts ports() {
        return ports;
    }

    GenerationRequest request() {
        return request;
    }

    Executor mailbox() {
        return mailbox;
    }

    private String name() {
        return state.getClass().getSimpleName();
    }

    private static BatonException overdue() {
        return new BatonException(
                ErrorCode.DEADLINE_EXCEEDED, "the request's deadline passed on the decoder");
    }

    private BatonException lost(String what) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                what.formatted(TimeUnit.NANOSECONDS.toMillis(leaseNanos())));
    }
}

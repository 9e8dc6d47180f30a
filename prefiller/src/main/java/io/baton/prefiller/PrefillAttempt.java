package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Recompute;
import io.baton.common.proto.Started;
import io.baton.common.proto.Token;
import io.baton.common.time.Timer;
import io.baton.common.worker.AttemptCall;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.Outlet;
import io.baton.common.worker.ProtoSampling;
import io.baton.common.worker.TokenText;
import io.baton.engine.Reservation;
import io.baton.engine.SequenceListener;
import io.baton.engine.SequenceSpec;
import io.baton.kv.transfer.KvSenders.OutboundListener;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import io.baton.kv.transfer.TransferStats;
import io.baton.prefiller.PrefillState.Computing;
import io.baton.prefiller.PrefillState.Ended;
import io.baton.prefiller.PrefillState.Flushing;
import io.baton.prefiller.PrefillState.Held;
import io.baton.prefiller.PrefillState.Opening;
import io.baton.prefiller.PrefillState.Queued;
import io.baton.prefiller.PrefillState.Yielded;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One prompt on this prefiller: the state machine of {@link PrefillState}. Confined to its mailbox:
 * every method but the constructor runs there.
 */
final class PrefillAttempt implements AttemptCall.Attempt {
    private static final Logger LOG = LoggerFactory.getLogger(PrefillAttempt.class);

    private final PrefillPorts ports;
    private final GenerationRequest request;
    private final KeyChain keys;
    private final Executor mailbox;
    private final Outlet<PrefillEvent> outlet;
    private final Timer.Handle deadline;
    private PrefillState state = new Opening();
    private long savedBytes;

    /**
     * @param keys chain of the tenant's blocks
     * @param mailbox runs what other threads have to say, in order
     */
    PrefillAttempt(
            PrefillPorts ports,
            GenerationRequest request,
            KeyChain keys,
            Executor mailbox,
            Outlet<PrefillEvent> outlet) {
        this.ports = ports;
        this.request = request;
        this.keys = keys;
        this.mailbox = mailbox;
        this.outlet = outlet;
        this.deadline =
                ports.around()
                        .timer()
                        .after(
                                request.deadlineNanos(),
                                () -> mailbox.execute(() -> fail(overdue())));
        ports.meters().attemptBegan();
    }

    PrefillState state() {
        return state;
    }

    String requestId() {
        return request.requestId();
    }

    /** Opens the channel, reserves, and queues the prompt. */
    void start(CheckedTicket ticket) {
        if (state instanceof Opening) {
            // Connecting may take long, with a profile on its way: we must be seen to live.
            Thread.ofVirtual()
                    .name("baton-open-" + request.requestId())
                    .start(() -> open(ticket, new TransferEvents()));
        }
    }

    /** A thread of its own. The transfer's keep-alives tell the decoder that we live. */
    private void open(CheckedTicket ticket, TransferEvents events) {
        OutboundTransfer transfer;
        try {
            transfer =
                    ports.machines()
                            .senders()
                            .open(ticket.offers(), ticket.id(), ticket.spec(), events);
        } catch (BatonException e) {
            mailbox.execute(() -> fail(e));
            return;
        } catch (RuntimeException e) {
            mailbox.execute(() -> fail(broken(e)));
            return;
        }
        mailbox.execute(() -> opened(ticket, transfer, events));
    }

    private void opened(CheckedTicket ticket, OutboundTransfer transfer, TransferEvents events) {
        if (!(state instanceof Opening)) {
            transfer.close();
            return;
        }
        try {
            queue(ticket, transfer, ports.engine().reserve(spec()), events);
        } catch (RuntimeException e) {
            if (state instanceof Opening) {
                // No state knows it yet.
                transfer.close();
            }
            fail(e instanceof BatonException reason ? reason : broken(e));
        }
    }

    private static BatonException broken(RuntimeException e) {
        return new BatonException(ErrorCode.INTERNAL, "the prefill failed: " + e, null, e);
    }

    private SequenceSpec spec() {
        return new SequenceSpec(
                request.requestId(),
                request.prompt(),
                request.emitted(),
                request.sampling(),
                keys,
                request.debugLogits(),
                request.terms());
    }

    private void queue(
            CheckedTicket ticket,
            OutboundTransfer transfer,
            Reservation place,
            TransferEvents events) {
        SendProgress progress =
                new SendProgress(
                        place.layout(),
                        ticket.spec().chunkTokens(),
                        request.knownTokens(),
                        place.heldTokens(),
                        ticket.spec().fromToken());
        savedBytes =
                place.layout().blockBytes()
                        * (ticket.spec().fromToken() / place.layout().blockTokens());
        Steering steering =
                new Steering(
                        transfer,
                        progress,
                        ends(ticket),
                        ports.around().ticker(),
                        new Steering.Place(
                                place.layout().blockBytes() / place.layout().blockTokens(),
                                ticket.spec().fromToken()));
        KvPusher pusher =
                new KvPusher(
                        new KvPusher.Work(
                                place, transfer, progress, steering, ports.machines().buffers()),
                        new Pushed());
        events.pusher = pusher;
        state = new Queued(new Held(place, pusher), ports.now());
        pusher.start("baton-push-" + request.requestId());
        ports.engine().prefill(place, new Tap(pusher), false);
    }

    private Steering.Ends ends(CheckedTicket ticket) {
        return new Steering.Ends(
                request.firstTokenNanos(),
                ports.around().prefillTokensPerSecond().value(),
                ticket.decoder().prefillTokensPerSecond(),
                ticket.decoder().decodeBytesPerSecond(),
                ports.options().serving().coding().recompute());
    }

    private void lost(BatonException reason) {
        if (state instanceof Yielded) {
            // The decoder knows already, and computes.
            cancel();
        } else {
            fail(reason);
        }
    }

    /** The router is gone or wants no more. */
    @Override
    public void cancel() {
        if (!(state instanceof Ended)) {
            LOG.debug("{} epoch {}: cancelled in {}", requestId(), request.epoch(), name());
            release();
            ports.meters().attemptCancelled();
            outlet.complete();
        }
    }

    /** Ends the attempt with one typed error. */
    @Override
    public void fail(BatonException error) {
        if (!(state instanceof Ended)) {
            LOG.warn(
                    "{} epoch {}: {} in {}: {}",
                    requestId(),
                    request.epoch(),
                    error.code().code(),
                    name(),
                    error.text());
            release();
            ports.meters().attemptFailed(error.code());
            send(PrefillEvent.newBuilder().setFailure(AttemptCall.failure(error)));
            outlet.complete();
        }
    }

    private void started(long nanos) {
        if (state instanceof Queued queued) {
            long queueNanos = nanos - queued.sinceNanos();
            int cached = queued.held().place().heldTokens();
            ports.meters().started(queueNanos, cached);
            state = new Computing(queued.held(), queueNanos, nanos);
            send(
                    PrefillEvent.newBuilder()
                            .setStarted(
                                    Started.newBuilder()
                                            .setQueueNanos(queueNanos)
                                            .setCachedTokens(cached)));
        }
    }

    private void firstToken(Token token, long nanos) {
        if (state instanceof Computing computing) {
            long took = nanos - computing.sinceNanos();
            int computed = request.knownTokens() - computing.held().place().heldTokens();
            ports.meters().prefilled(took, computed);
            ports.meters().token(-1);
            ports.around().prefillTokensPerSecond().add(computed, took / 1e9);
            state = new Flushing(computing.held(), computing.queueNanos(), took, nanos);
            send(PrefillEvent.newBuilder().setFirstToken(token));
            computing.held().pusher().finishWith(token.toByteArray());
        }
    }

    private void sent(TransferStats stats, PrefillDone.Builder report, long nanos) {
        if (state instanceof Flushing flushing) {
            int cached = flushing.held().place().heldTokens();
            state = new Ended();
            deadline.cancel();
            ports.meters().transferred(stats.nanos(), stats.payloadBytes(), savedBytes);
            ports.meters().attemptEnded();
            send(
                    PrefillEvent.newBuilder()
                            .setDone(
                                    report.setQueueNanos(flushing.queueNanos())
                                            .setPrefillNanos(flushing.prefillNanos())
                                            .setFlushNanos(nanos - flushing.sinceNanos())
                                            .setComputedTokens(request.knownTokens() - cached)
                                            .setCachedTokens(cached)));
            outlet.complete();
        }
    }

    /** KV comes too slowly: the decoder is to compute what it has not got. */
    private void giveUpSending(TransferStats stats, PrefillDone.Builder report, String why) {
        Held held =
                switch (state) {
                    case Queued queued -> queued.held();
                    case Computing computing -> computing.held();
                    case Flushing flushing -> flushing.held();
                    case Opening _, Yielded _, Ended _ -> null;
                };
        if (held == null) {
            return;
        }
        LOG.info("{} epoch {}: text: {}", requestId(), request.epoch(), why);
        int cached = held.place().heldTokens();
        state = new Yielded(held);
        ports.engine().cancel(held.place());
        ports.meters().transferred(stats.nanos(), stats.payloadBytes(), savedBytes);
        send(
                PrefillEvent.newBuilder()
                        .setRecompute(
                                Recompute.newBuilder()
                                        .setSoFar(report.setCachedTokens(cached))
                                        .setWhy(why)));
    }

    /** The pusher's thread. */
    private PrefillDone.Builder report(KvPusher.Sent sent) {
        PrefillDone.Builder report =
                PrefillDone.newBuilder()
                        .setPayloadBytes(sent.stats().payloadBytes())
                        .setSavedBytes(savedBytes)
                        .setChannel(sent.carrier());
        sent.steering().note(report);
        return report;
    }

    /** Gives a sign of life. */
    void sayAlive() {
        boolean onEngine =
                switch (state) {
                    case Queued _, Computing _ -> true;
                    case Opening _, Flushing _, Yielded _, Ended _ -> false;
                };
        send(
                PrefillEvent.newBuilder()
                        .setAlive(
                                ports.options()
                                        .limits()
                                        .alive(ports.engine().stats().steps(), onEngine)));
    }

    /** Ends the sequence; its pusher closes transfer and reservation as its last act. */
    private void release() {
        PrefillState last = state;
        // First, so that an end that fails halfway is not tried again.
        state = new Ended();
        deadline.cancel();
        switch (last) {
            case Opening _, Ended _ -> {}
            case Queued queued -> release(queued.held());
            case Computing computing -> release(computing.held());
            case Flushing flushing -> release(flushing.held());
            case Yielded yielded -> release(yielded.held());
        }
    }

    private void release(Held held) {
        ports.engine().cancel(held.place());
        held.pusher().stop();
    }

    private void send(PrefillEvent.Builder event) {
        outlet.send(
                event.setEpoch(request.epoch())
                        .setIncarnation(ports.identity().incarnation())
                        .build());
    }

    private static BatonException overdue() {
        return new BatonException(
                ErrorCode.DEADLINE_EXCEEDED, "the request's deadline passed on the prefiller");
    }

    private String name() {
        return state.getClass().getSimpleName();
    }

    /** The engine's thread. */
    private final class Tap implements SequenceListener {
        private final KvPusher pusher;
        private final TokenText text =
                new TokenText(ports.machines().tokenizer(), request.sampling(), request.emitted());

        Tap(KvPusher pusher) {
            this.pusher = pusher;
        }

        @Override
        public void onStarted() {
            long now = ports.now();
            mailbox.execute(() -> started(now));
        }

        @Override
        public void onLayer(int layer, int fromToken, int toToken) {
            pusher.computed(layer, toToken);
        }

        @Override
        public boolean onToken(TokenOutput token) {
            long now = ports.now();
            Token proto = ProtoSampling.toProto(token, text.accept(token.token()));
            mailbox.execute(() -> firstToken(proto, now));
            return true;
        }

        /** The first token ends the answer; the decoder says so to the router. */
        @Override
        public void onFinished(FinishReason reason) {}

        @Override
        public void onError(BatonException error) {
            mailbox.execute(() -> fail(error));
        }
    }

    /** The channel's I/O thread. */
    private final class TransferEvents implements OutboundListener {
        private volatile @Nullable KvPusher pusher;

        @Override
        public void onLost(BatonException reason) {
            mailbox.execute(() -> lost(reason));
        }

        @Override
        public void onArrived() {
            KvPusher waiting = pusher;
            if (waiting != null) {
                waiting.wake();
            }
        }
    }

    /** The pusher's thread. */
    private final class Pushed implements KvPusher.Listener {
        @Override
        public void onSent(KvPusher.Sent sent) {
            long now = ports.now();
            PrefillDone.Builder report = report(sent);
            mailbox.execute(() -> sent(sent.stats(), report, now));
        }

        @Override
        public void onText(KvPusher.Sent sent) {
            PrefillDone.Builder report = report(sent);
            mailbox.execute(() -> giveUpSending(sent.stats(), report, report.getChoice()));
        }

        @Override
        public void onFailed(BatonException error) {
            mailbox.execute(() -> fail(error));
        }
    }
}

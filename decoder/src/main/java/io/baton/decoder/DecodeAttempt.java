package io.baton.decoder;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.Failure;
import io.baton.common.proto.Finished;
import io.baton.common.proto.HeldRange;
import io.baton.common.proto.Started;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.common.time.Timer;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ProtoSampling;
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
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request on this decoder, from reservation to the last token: the state machine of {@link
 * DecodeState}. Confined to its mailbox: every method but the constructor runs there. It never
 * blocks, and a message of an old epoch changes nothing.
 */
final class DecodeAttempt {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeAttempt.class);

    /** Where events go. */
    interface Outlet {
        void send(DecodeEvent event);

        /** Nothing follows. */
        void complete();
    }

    private final DecodePorts ports;
    private final GenerationRequest request;
    private final SequenceSpec spec;
    private final Executor mailbox;
    private final Outlet outlet;
    private final Timer.Handle deadline;
    private DecodeState state = new Reserving();
    private int epoch;
    private TransferDone transferDone = TransferDone.getDefaultInstance();
    private long lastTokenNanos = -1;

    /**
     * @param keys chain of the tenant's blocks
     * @param mailbox runs what other threads have to say, in order
     */
    DecodeAttempt(
            DecodePorts ports,
            GenerationRequest request,
            KeyChain keys,
            Executor mailbox,
            Outlet outlet) {
        this.ports = ports;
        this.request = request;
        this.spec =
                new SequenceSpec(
                        request.requestId(),
                        request.prompt(),
                        request.emitted(),
                        request.sampling(),
                        keys,
                        request.debugLogits());
        this.mailbox = mailbox;
        this.outlet = outlet;
        this.epoch = request.epoch();
        this.deadline =
                ports.around()
                        .timer()
                        .after(
                                request.deadlineNanos(),
                                () -> mailbox.execute(() -> fail(overdue())));
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
        goOn(place, place.heldTokens(), localPrefill);
    }

    /**
     * The router lost the prefiller. Verified blocks stay; the old transfer is forgotten. If all KV
     * came before the message, {@code TransferDone} is said again under the new epoch and no ticket
     * is given.
     *
     * @return false if the epoch is not newer than the attempt's, and nothing has changed
     */
    boolean reticket(int newEpoch, boolean localPrefill) {
        if (newEpoch <= epoch) {
            ports.meters().stale();
            LOG.info("{} epoch {}: reticket of epoch {} is stale", requestId(), epoch, newEpoch);
            return false;
        }
        switch (state) {
            case Reserving _, Ended _ -> {
                return false;
            }
            case WaitingKv waiting -> {
                epoch = newEpoch;
                goOn(waiting.place(), leave(waiting), localPrefill);
            }
            case AwaitingReticket awaiting -> {
                epoch = newEpoch;
                awaiting.lease().cancel();
                ports.meters().leaseEnded();
                goOn(awaiting.place(), awaiting.verifiedTokens(), localPrefill);
            }
            case Prefilling _ -> epoch = newEpoch;
            case Decoding _ -> {
                epoch = newEpoch;
                // The bytes were reported once and count once.
                send(
                        DecodeEvent.newBuilder()
                                .setTransferDone(
                                        transferDone.toBuilder()
                                                .clearPayloadBytes()
                                                .clearSavedBytes()));
            }
        }
        return true;
    }

    /** The router is gone or wants no more. */
    void cancel() {
        if (!(state instanceof Ended)) {
            LOG.debug("{} epoch {}: cancelled in {}", requestId(), epoch, name());
            release();
            ports.meters().attemptCancelled();
            outlet.complete();
        }
    }

    /** Ends the attempt with one typed error. */
    void fail(BatonException error) {
        if (!(state instanceof Ended)) {
            LOG.warn(
                    "{} epoch {}: {} in {}: {}",
                    requestId(),
                    epoch,
                    error.code().code(),
                    name(),
                    error.text());
            release();
            ports.meters().attemptFailed(error.code());
            send(DecodeEvent.newBuilder().setFailure(failure(error)));
            outlet.complete();
        }
    }

    // ---- the way to KV ----

    private void goOn(Reservation place, int verifiedTokens, boolean localPrefill) {
        try {
            if (localPrefill) {
                state = new Prefilling(place, ports.now());
                ports.engine().prefill(place, new EngineTap(this), true);
            } else {
                giveTicket(place, sendableFrom(place.layout(), verifiedTokens));
            }
        } catch (BatonException e) {
            if (!(state instanceof Prefilling)) {
                // Not in a state that knows the place yet.
                place.close();
            }
            fail(e);
        }
    }

    /** At least the last known token's block is sent, so that an end frame always has a body. */
    private int sendableFrom(KvLayout layout, int verifiedTokens) {
        int lastBlock = (request.knownTokens() - 1) / layout.blockTokens();
        return Math.min(verifiedTokens / layout.blockTokens(), lastBlock) * layout.blockTokens();
    }

    private void giveTicket(Reservation place, int fromToken) {
        KvLayout layout = place.layout();
        int chunkTokens = ports.identity().options().serving().chunkTokens();
        TransferSpec transferSpec =
                new TransferSpec(layout, chunkTokens, fromToken, request.knownTokens());
        TransferId id =
                new TransferId(
                        ports.around().random().nextLong(), epoch, ports.identity().incarnation());
        InboundTransfer transfer =
                ports.machines().receiver().expect(id, transferSpec, place::write, hears(id));
        state = new WaitingKv(place, transfer, id, fromToken, lease(id));
        ports.meters().leaseBegan();
        send(DecodeEvent.newBuilder().setTicket(ticket(id, layout, fromToken)));
    }

    private Ticket ticket(TransferId id, KvLayout layout, int fromToken) {
        Ticket.Builder ticket =
                Ticket.newBuilder()
                        .setChannel(ports.machines().receiver().url())
                        .setTransferId(id.transfer())
                        .setEpoch(id.epoch())
                        .setDecoderIncarnation(id.incarnation())
                        .setDecoderId(ports.identity().options().workerId())
                        .setLeaseMillis(TimeUnit.NANOSECONDS.toMillis(leaseNanos()))
                        .setKv(ports.identity().kv())
                        .setModelFingerprint(ports.identity().fingerprint());
        if (fromToken > 0) {
            List<ChunkKey> keys = spec.keys().keys(spec.knownTokens());
            ChunkKey last = keys.get(fromToken / layout.blockTokens() - 1);
            ticket.addHeld(
                    HeldRange.newBuilder()
                            .setTokens(fromToken)
                            .setKey(ByteString.copyFrom(last.toBytes())));
        }
        return ticket.build();
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

    private long leaseNanos() {
        return ports.identity().options().limits().leaseNanos();
    }

    private Timer.Handle lease(TransferId id) {
        return ports.around()
                .timer()
                .after(leaseNanos(), () -> mailbox.execute(() -> leaseOver(id)));
    }

    private void leaseOver(TransferId id) {
        if (state instanceof WaitingKv waiting && waiting.id().equals(id)) {
            if (waiting.transfer().hasBegun()) {
                // From here on the receiver tells a slow sender from a dead one.
                return;
            }
            fail(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "no prefiller began to send within the ticket's lease of %d ms"
                                    .formatted(TimeUnit.NANOSECONDS.toMillis(leaseNanos()))));
        }
    }

    private void transferComplete(TransferId id, byte[] trailer, TransferStats stats) {
        if (!(state instanceof WaitingKv waiting) || !waiting.id().equals(id)) {
            return;
        }
        TokenOutput first;
        try {
            first = ProtoSampling.fromProto(Token.parseFrom(trailer), vocab());
        } catch (InvalidProtocolBufferException | BatonException e) {
            transferFailed(id, badTrailer(String.valueOf(e.getMessage())));
            return;
        }
        if (first.index() != request.emitted().length) {
            transferFailed(id, badTrailer("its first token has index " + first.index()));
            return;
        }
        leave(waiting);
        long saved =
                waiting.place().layout().blockBytes()
                        * (waiting.fromToken() / waiting.place().layout().blockTokens());
        transferDone =
                TransferDone.newBuilder()
                        .setPayloadBytes(stats.payloadBytes())
                        .setSavedBytes(saved)
                        .setTransferNanos(stats.nanos())
                        .setHeldTokens(waiting.fromToken())
                        .build();
        ports.meters().transferred(stats.nanos(), stats.payloadBytes(), saved);
        state = new Decoding(waiting.place(), ports.now());
        send(DecodeEvent.newBuilder().setTransferDone(transferDone));
        try {
            ports.engine().decode(waiting.place(), first, new EngineTap(this));
        } catch (BatonException e) {
            fail(e);
        }
    }

    private void transferFailed(TransferId id, BatonException reason) {
        if (!(state instanceof WaitingKv waiting) || !waiting.id().equals(id)) {
            return;
        }
        LOG.warn("{} epoch {}: transfer failed: {}", requestId(), epoch, reason.text());
        ports.meters().error(reason.code());
        int verified = leave(waiting);
        ports.meters().leaseBegan();
        Timer.Handle lease =
                ports.around()
                        .timer()
                        .after(leaseNanos(), () -> mailbox.execute(() -> reticketOverdue(id)));
        state = new AwaitingReticket(waiting.place(), verified, lease);
        send(DecodeEvent.newBuilder().setFailure(failure(reason)));
    }

    private void reticketOverdue(TransferId failed) {
        if (state instanceof AwaitingReticket && epoch == failed.epoch()) {
            fail(
                    new BatonException(
                            ErrorCode.KV_TRANSFER_FAILED,
                            "no other prefiller was named within %d ms after a failed transfer"
                                    .formatted(TimeUnit.NANOSECONDS.toMillis(leaseNanos()))));
        }
    }

    /** Forgets a transfer; afterwards nothing writes to the place. Tells what is verified. */
    private int leave(WaitingKv waiting) {
        waiting.lease().cancel();
        ports.meters().leaseEnded();
        int verified = waiting.fromToken() + waiting.transfer().completeTokens();
        waiting.transfer().close();
        return verified;
    }

    // ---- the answer; posted by EngineTap ----

    void prefillStarted(long nanos) {
        if (state instanceof Prefilling prefilling) {
            long queueNanos = nanos - prefilling.sinceNanos();
            int cached = prefilling.place().heldTokens();
            ports.meters().started(queueNanos, cached);
            state = new Prefilling(prefilling.place(), nanos);
            send(
                    DecodeEvent.newBuilder()
                            .setStarted(
                                    Started.newBuilder()
                                            .setQueueNanos(queueNanos)
                                            .setCachedTokens(cached)));
        }
    }

    void token(Token token, long nanos) {
        if (state instanceof Prefilling prefilling) {
            int computed = request.knownTokens() - prefilling.place().heldTokens();
            long took = nanos - prefilling.sinceNanos();
            ports.meters().prefilled(took, computed);
            ports.around().prefillTokensPerSecond().add(computed, took / 1e9);
            state = new Decoding(prefilling.place(), nanos);
        }
        if (state instanceof Decoding) {
            long gap = lastTokenNanos < 0 ? -1 : nanos - lastTokenNanos;
            lastTokenNanos = nanos;
            ports.meters().token(gap);
            if (gap >= 0) {
                ports.around().decodeSecondsPerToken().add(gap / 1e9, 1);
            }
            send(DecodeEvent.newBuilder().setToken(token));
        }
    }

    void finished(Finished.Builder finished, long nanos) {
        if (state instanceof Decoding decoding) {
            long took = nanos - decoding.sinceNanos();
            ports.meters().decoded(took);
            release();
            ports.meters().attemptEnded();
            send(DecodeEvent.newBuilder().setFinished(finished.setDecodeNanos(took)));
            outlet.complete();
        }
    }

    // ---- ends ----

    /** Frees everything the state holds. Transfers first: then nobody writes to the place. */
    private void release() {
        switch (state) {
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
        deadline.cancel();
        state = new Ended();
    }

    private void endSequence(Reservation place) {
        ports.engine().cancel(place);
        place.close();
    }

    private void send(DecodeEvent.Builder event) {
        outlet.send(event.setEpoch(epoch).setIncarnation(ports.identity().incarnation()).build());
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

    private int vocab() {
        return ports.machines().tokenizer().vocabSize();
    }

    private String name() {
        return state.getClass().getSimpleName();
    }

    private static BatonException overdue() {
        return new BatonException(
                ErrorCode.DEADLINE_EXCEEDED, "the request's deadline passed on the decoder");
    }

    private static BatonException badTrailer(String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED, "the prefiller's end frame is unusable: " + why);
    }

    private static Failure failure(BatonException error) {
        return Failure.newBuilder().setCode(error.code().code()).setMessage(error.text()).build();
    }
}

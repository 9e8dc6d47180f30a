package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.Failure;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillGrpc;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.LiveCalls;
import io.baton.common.worker.Mailbox;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The prefiller's gRPC face: one call is one attempt. */
final class PrefillService extends PrefillGrpc.PrefillImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(PrefillService.class);

    /** All an attempt can cause: start, one token, ends, cancel, deadline, loss. */
    private static final int MAILBOX_CAPACITY = 64;

    private final PrefillPorts ports;
    private final GenerationRequest.Limits limits;
    private final Executor executor;
    private final LiveCalls<Session> live;

    /**
     * @param executor runs the attempts' mailboxes
     */
    PrefillService(PrefillPorts ports, GenerationRequest.Limits limits, Executor executor) {
        this.ports = ports;
        this.limits = limits;
        this.executor = executor;
        this.live =
                new LiveCalls<>(
                        ports.identity().incarnation(), ports.options().limits().maxAttempts());
    }

    /** The attempts in progress. */
    LiveCalls<?> live() {
        return live;
    }

    @Override
    public void prefill(PrefillRequest message, StreamObserver<PrefillEvent> events) {
        ServerCallStreamObserver<PrefillEvent> call =
                (ServerCallStreamObserver<PrefillEvent>) events;
        Session session = new Session(call);
        call.setOnCancelHandler(session::cancelled);
        session.post(() -> session.start(message));
    }

    /** One call. Its fields belong to its mailbox. */
    private final class Session implements PrefillAttempt.Outlet {
        private final ServerCallStreamObserver<PrefillEvent> call;
        private final Mailbox mailbox;
        private @Nullable PrefillAttempt attempt;
        private boolean closed;

        Session(ServerCallStreamObserver<PrefillEvent> call) {
            this.call = call;
            this.mailbox = new Mailbox(executor, MAILBOX_CAPACITY, this::failedInOwnCode);
        }

        void post(Runnable task) {
            if (!mailbox.post(task)) {
                throw new IllegalStateException("an attempt posted more than it can cause");
            }
        }

        void cancelled() {
            post(
                    () -> {
                        if (attempt != null) {
                            attempt.cancel();
                        }
                        complete();
                    });
        }

        void start(PrefillRequest message) {
            if (closed) {
                return;
            }
            int epoch = message.getSpec().getEpoch();
            try {
                live.check(message.getPrefillerIncarnation());
                GenerationRequest request = GenerationRequest.fromProto(message.getSpec(), limits);
                KeyChain keys =
                        KeyChain.of(
                                new KeyChain.Root(
                                        limits.fingerprint(),
                                        ports.identity().layout(),
                                        "exact",
                                        ports.identity().numericProfile(),
                                        request.tenantSalt()));
                CheckedTicket ticket =
                        CheckedTicket.of(message.getTicket(), request, ports.identity(), keys);
                admit(request);
                attempt = new PrefillAttempt(ports, request, keys, this::post, this);
                LOG.info(
                        "{} epoch {}: {} known tokens, {} held by {} {}",
                        request.requestId(),
                        epoch,
                        request.knownTokens(),
                        ticket.spec().fromToken(),
                        message.getTicket().getDecoderId(),
                        request.traceparent());
                attempt.start(ticket);
            } catch (BatonException e) {
                if (e.code() == ErrorCode.STALE_EPOCH) {
                    ports.meters().stale();
                }
                refuse(epoch, e);
            }
        }

        /** A newer attempt of a request ends the older one, should that still run here. */
        private void admit(GenerationRequest request) {
            Session older = live.admit(request.requestId(), request.epoch(), this);
            if (older != null) {
                older.superseded();
            }
        }

        private void superseded() {
            post(
                    () -> {
                        if (attempt != null) {
                            attempt.fail(
                                    new BatonException(
                                            ErrorCode.STALE_EPOCH,
                                            "a newer attempt of the request has begun here"));
                        }
                    });
        }

        private void refuse(int epoch, BatonException error) {
            LOG.warn("epoch {}: refused: {}: {}", epoch, error.code().code(), error.text());
            ports.meters().error(error.code());
            send(
                    PrefillEvent.newBuilder()
                            .setEpoch(epoch)
                            .setIncarnation(ports.identity().incarnation())
                            .setFailure(
                                    Failure.newBuilder()
                                            .setCode(error.code().code())
                                            .setMessage(error.text()))
                            .build());
            complete();
        }

        private void failedInOwnCode(RuntimeException error) {
            LOG.error("an attempt failed in its own code", error);
            post(
                    () -> {
                        if (attempt != null) {
                            attempt.fail(
                                    new BatonException(
                                            ErrorCode.INTERNAL,
                                            "the prefiller failed: " + error,
                                            null,
                                            error));
                        }
                        complete();
                    });
        }

        @Override
        public void send(PrefillEvent event) {
            if (!closed && !call.isCancelled()) {
                call.onNext(event);
            }
        }

        @Override
        public void complete() {
            if (closed) {
                return;
            }
            closed = true;
            if (attempt != null) {
                live.remove(attempt.requestId(), this);
            }
            if (!call.isCancelled()) {
                call.onCompleted();
            }
        }
    }
}

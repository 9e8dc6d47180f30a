package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeGrpc;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.Failure;
import io.baton.common.proto.Reticket;
import io.baton.common.time.Timer;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.LiveCalls;
import io.baton.common.worker.Mailbox;
import io.baton.common.worker.ProtoKv;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The decoder's gRPC face: one call is one attempt. Commands are taken one at a time, as fast as
 * the attempt handles them; events that wait for a slow router are bounded by the answer's length.
 */
final class DecodeService extends DecodeGrpc.DecodeImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(DecodeService.class);
    private static final long FIRST_COMMAND_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Posts of an attempt beside its tokens: transfer, timers, commands. */
    private static final int MAILBOX_MARGIN = 256;

    private final DecodePorts ports;
    private final GenerationRequest.Limits limits;
    private final Executor executor;
    private final LiveCalls<Session> live;

    /**
     * @param executor runs the attempts' mailboxes
     */
    DecodeService(DecodePorts ports, GenerationRequest.Limits limits, Executor executor) {
        this.ports = ports;
        this.limits = limits;
        this.executor = executor;
        this.live =
                new LiveCalls<>(
                        ports.identity().incarnation(),
                        ports.identity().options().limits().maxAttempts());
    }

    /** The attempts in progress. */
    LiveCalls<?> live() {
        return live;
    }

    @Override
    public StreamObserver<DecodeCommand> generate(StreamObserver<DecodeEvent> events) {
        ServerCallStreamObserver<DecodeEvent> call = (ServerCallStreamObserver<DecodeEvent>) events;
        call.disableAutoRequest();
        Session session = new Session(call);
        call.setOnCancelHandler(session::cancelled);
        session.open();
        return session;
    }

    /** One call. Its fields belong to its mailbox. */
    private final class Session implements StreamObserver<DecodeCommand>, DecodeAttempt.Outlet {
        private final ServerCallStreamObserver<DecodeEvent> call;
        private final Mailbox mailbox;
        private @Nullable DecodeAttempt attempt;
        private Timer.@Nullable Handle firstCommand;
        private boolean closed;

        Session(ServerCallStreamObserver<DecodeEvent> call) {
            this.call = call;
            this.mailbox =
                    new Mailbox(
                            executor, limits.maxModelLen() + MAILBOX_MARGIN, this::failedInOwnCode);
        }

        void open() {
            firstCommand =
                    ports.around()
                            .timer()
                            .after(FIRST_COMMAND_NANOS, () -> post(this::noFirstCommand));
            call.request(1);
        }

        /** The capacity covers all an attempt can cause, so a full mailbox is an error of ours. */
        private void post(Runnable task) {
            if (!mailbox.post(task)) {
                throw new IllegalStateException("an attempt posted more than its tokens allow");
            }
        }

        @Override
        public void onNext(DecodeCommand command) {
            post(
                    () -> {
                        accept(command);
                        if (!closed) {
                            call.request(1);
                        }
                    });
        }

        @Override
        public void onError(Throwable error) {
            cancelled();
        }

        /** The router has nothing more to say; the answer goes on. */
        @Override
        public void onCompleted() {}

        void cancelled() {
            post(
                    () -> {
                        if (attempt != null) {
                            attempt.cancel();
                        }
                        complete();
                    });
        }

        private void accept(DecodeCommand command) {
            if (closed) {
                return;
            }
            switch (command.getKindCase()) {
                case START -> start(command.getStart());
                case RETICKET -> reticket(command.getReticket());
                case KIND_NOT_SET ->
                        refuse(0, ErrorCode.INVALID_REQUEST, "the command is empty or unknown");
            }
        }

        private void start(DecodeStart start) {
            int epoch = start.getSpec().getEpoch();
            if (attempt != null) {
                ports.meters().stale();
                return;
            }
            stopWaiting();
            try {
                live.check(start.getDecoderIncarnation());
                GenerationRequest request = GenerationRequest.fromProto(start.getSpec(), limits);
                admit(request);
                KeyChain keys =
                        KeyChain.of(
                                new KeyChain.Root(
                                        limits.fingerprint(),
                                        ProtoKv.layout(ports.identity().kv()),
                                        "exact",
                                        ports.identity().kv().getNumericProfile(),
                                        request.tenantSalt()));
                attempt = new DecodeAttempt(ports, request, keys, this::post, this);
                LOG.info(
                        "{} epoch {}: {} prompt and {} emitted tokens, {} {}",
                        request.requestId(),
                        epoch,
                        request.prompt().length,
                        request.emitted().length,
                        start.getLocalPrefill() ? "prefilled here" : "prefilled elsewhere",
                        request.traceparent());
                attempt.start(start.getLocalPrefill());
            } catch (BatonException e) {
                if (e.code() == ErrorCode.STALE_EPOCH) {
                    ports.meters().stale();
                }
                refuse(epoch, e.code(), e.text());
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

        private void reticket(Reticket reticket) {
            DecodeAttempt current = attempt;
            if (current == null) {
                refuse(0, ErrorCode.INVALID_REQUEST, "the first command must be start");
            } else if (current.reticket(reticket.getEpoch(), reticket.getLocalPrefill())) {
                live.renew(current.requestId(), reticket.getEpoch());
            }
        }

        private void noFirstCommand() {
            if (attempt == null && !closed) {
                refuse(0, ErrorCode.REQUEST_TIMEOUT, "no start came within 5 s");
            }
        }

        private void stopWaiting() {
            if (firstCommand != null) {
                firstCommand.cancel();
                firstCommand = null;
            }
        }

        private void refuse(int epoch, ErrorCode code, String message) {
            LOG.warn("epoch {}: refused: {}: {}", epoch, code.code(), message);
            ports.meters().error(code);
            send(
                    DecodeEvent.newBuilder()
                            .setEpoch(epoch)
                            .setIncarnation(ports.identity().incarnation())
                            .setFailure(
                                    Failure.newBuilder().setCode(code.code()).setMessage(message))
                            .build());
            if (attempt != null) {
                attempt.cancel();
            }
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
                                            "the decoder failed: " + error,
                                            null,
                                            error));
                        }
                    });
        }

        // ---- what the attempt says ----

        @Override
        public void send(DecodeEvent event) {
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
            stopWaiting();
            if (attempt != null) {
                live.remove(attempt.requestId(), this);
            }
            if (!call.isCancelled()) {
                call.onCompleted();
            }
        }
    }
}

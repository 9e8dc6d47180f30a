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
import io.baton.common.worker.AttemptCall;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.LiveCalls;
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
    private final int mailboxCapacity;
    private final AttemptCall.Service<DecodeEvent> calls;

    /**
     * @param executor runs the attempts' mailboxes
     */
    DecodeService(DecodePorts ports, GenerationRequest.Limits limits, Executor executor) {
        this.ports = ports;
        this.mailboxCapacity = limits.maxModelLen() + MAILBOX_MARGIN;
        this.calls =
                new AttemptCall.Service<>(
                        new LiveCalls<>(
                                ports.identity().incarnation(),
                                ports.identity().options().limits().maxAttempts()),
                        limits,
                        ports.meters(),
                        executor,
                        this::failed);
    }

    private DecodeEvent failed(int epoch, Failure failure) {
        return DecodeEvent.newBuilder()
                .setEpoch(epoch)
                .setIncarnation(ports.identity().incarnation())
                .setFailure(failure)
                .build();
    }

    /** The attempts in progress. */
    LiveCalls<?> live() {
        return calls.live();
    }

    @Override
    public StreamObserver<DecodeCommand> generate(StreamObserver<DecodeEvent> events) {
        ServerCallStreamObserver<DecodeEvent> stream =
                (ServerCallStreamObserver<DecodeEvent>) events;
        stream.disableAutoRequest();
        Session session = new Session(stream);
        stream.setOnCancelHandler(session::cancelled);
        session.open();
        return session;
    }

    /** The router's side of one call. Its fields belong to the call's mailbox. */
    private final class Session implements StreamObserver<DecodeCommand> {
        private final ServerCallStreamObserver<DecodeEvent> stream;
        private final AttemptCall<DecodeEvent> call;
        private @Nullable DecodeAttempt attempt;
        private Timer.@Nullable Handle firstCommand;

        Session(ServerCallStreamObserver<DecodeEvent> stream) {
            this.stream = stream;
            this.call = new AttemptCall<>(calls, stream, mailboxCapacity);
        }

        void open() {
            firstCommand =
                    ports.around()
                            .timer()
                            .after(FIRST_COMMAND_NANOS, () -> call.post(this::noFirstCommand));
            stream.request(1);
        }

        @Override
        public void onNext(DecodeCommand command) {
            call.post(
                    () -> {
                        stopWaiting();
                        if (!call.isClosed()) {
                            accept(command);
                        }
                        if (!call.isClosed()) {
                            stream.request(1);
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
            call.post(this::stopWaiting);
            call.cancelled();
        }

        private void accept(DecodeCommand command) {
            switch (command.getKindCase()) {
                case START -> start(command.getStart());
                case RETICKET -> reticket(command.getReticket());
                case KIND_NOT_SET -> call.refuse(invalid("the command is empty or unknown"));
            }
        }

        private void start(DecodeStart start) {
            if (attempt != null) {
                ports.meters().stale();
                return;
            }
            try {
                GenerationRequest request =
                        call.check(start.getDecoderIncarnation(), start.getSpec());
                if (request.sampling().promptLogprobs() >= 0 && !start.getLocalPrefill()) {
                    throw invalid("prompt_logprobs needs local_prefill: no KV tells them");
                }
                KeyChain keys = ports.keys(request);
                DecodeAttempt admitted =
                        call.admit(
                                request, () -> new DecodeAttempt(ports, request, keys, call, call));
                attempt = admitted;
                LOG.info(
                        "{} epoch {}: {} prompt and {} emitted tokens, {} {}",
                        request.requestId(),
                        request.epoch(),
                        request.prompt().length,
                        request.emitted().length,
                        start.getLocalPrefill() ? "prefilled here" : "prefilled elsewhere",
                        request.traceparent());
                call.showLife(
                        ports.around().timer(),
                        start.getSpec().getAliveMillis(),
                        admitted::sayAlive);
                admitted.start(start.getLocalPrefill());
            } catch (BatonException e) {
                call.refuse(e);
            }
        }

        private void reticket(Reticket reticket) {
            DecodeAttempt current = attempt;
            if (current == null) {
                call.refuse(invalid("the first command must be start"));
            } else if (current.reticket(reticket)) {
                calls.live().renew(current.requestId(), reticket.getEpoch());
            }
        }

        private void noFirstCommand() {
            if (attempt == null && !call.isClosed()) {
                call.refuse(
                        new BatonException(ErrorCode.REQUEST_TIMEOUT, "no start came within 5 s"));
            }
        }

        private void stopWaiting() {
            if (firstCommand != null) {
                firstCommand.cancel();
                firstCommand = null;
            }
        }
    }

    private static BatonException invalid(String message) {
        return new BatonException(ErrorCode.INVALID_REQUEST, message);
    }
}

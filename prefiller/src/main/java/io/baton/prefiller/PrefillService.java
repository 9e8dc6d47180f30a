package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.Failure;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillGrpc;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.worker.AttemptCall;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.LiveCalls;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The prefiller's gRPC face: one call is one attempt. */
final class PrefillService extends PrefillGrpc.PrefillImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(PrefillService.class);

    /** All an attempt can cause: start, one token, ends, cancel, deadline, loss. */
    private static final int MAILBOX_CAPACITY = 64;

    private final PrefillPorts ports;
    private final AttemptCall.Service<PrefillEvent> calls;

    /**
     * @param executor runs the attempts' mailboxes
     */
    PrefillService(PrefillPorts ports, GenerationRequest.Limits limits, Executor executor) {
        this.ports = ports;
        this.calls =
                new AttemptCall.Service<>(
                        new LiveCalls<>(
                                ports.identity().incarnation(),
                                ports.options().limits().maxAttempts()),
                        limits,
                        ports.meters(),
                        executor,
                        this::failed);
    }

    private PrefillEvent failed(int epoch, Failure failure) {
        return PrefillEvent.newBuilder()
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
    public void prefill(PrefillRequest message, StreamObserver<PrefillEvent> events) {
        ServerCallStreamObserver<PrefillEvent> stream =
                (ServerCallStreamObserver<PrefillEvent>) events;
        AttemptCall<PrefillEvent> call = new AttemptCall<>(calls, stream, MAILBOX_CAPACITY);
        stream.setOnCancelHandler(call::cancelled);
        call.post(() -> start(call, message));
    }

    private void start(AttemptCall<PrefillEvent> call, PrefillRequest message) {
        if (call.isClosed()) {
            return;
        }
        try {
            GenerationRequest request =
                    call.check(message.getPrefillerIncarnation(), message.getSpec());
            if (request.sampling().promptLogprobs() >= 0) {
                throw new BatonException(
                        ErrorCode.INVALID_REQUEST,
                        "a prefiller reports no log probabilities of the prompt: the decoder must compute it");
            }
            KeyChain keys = ports.keys(request);
            CheckedTicket ticket =
                    CheckedTicket.of(message.getTicket(), request, ports.identity(), keys);
            PrefillAttempt attempt =
                    call.admit(request, () -> new PrefillAttempt(ports, request, keys, call, call));
            LOG.info(
                    "{} epoch {}: {} known tokens, {} held by {} {}",
                    request.requestId(),
                    request.epoch(),
                    request.knownTokens(),
                    ticket.spec().fromToken(),
                    message.getTicket().getDecoderId(),
                    request.traceparent());
            call.showLife(
                    ports.around().timer(), message.getSpec().getAliveMillis(), attempt::sayAlive);
            attempt.start(ticket);
        } catch (BatonException e) {
            call.refuse(e);
        }
    }
}

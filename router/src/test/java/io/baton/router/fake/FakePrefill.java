package io.baton.router.fake;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Failure;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Started;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;

/** One Prefill call as a script sees it. */
public final class FakePrefill {
    private final FakeWorker worker;
    private final PrefillRequest request;
    private final StreamObserver<PrefillEvent> out;
    private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
    private final FakeSigns signs;

    FakePrefill(FakeWorker worker, PrefillRequest request, StreamObserver<PrefillEvent> out) {
        this.worker = worker;
        this.request = request;
        this.out = out;
        this.signs =
                new FakeSigns(
                        worker.timer(),
                        request.getSpec(),
                        alive -> send(PrefillEvent.newBuilder().setAlive(alive)));
        cancelled.thenRun(signs::end);
    }

    public PrefillRequest request() {
        return request;
    }

    /** Completes when the router cancels the call. */
    public CompletableFuture<Void> cancelled() {
        return cancelled;
    }

    /** From now on the call says nothing of itself, though connection and heartbeats are fine. */
    public void fallSilent() {
        signs.end();
    }

    public void started(int cachedTokens) {
        send(
                PrefillEvent.newBuilder()
                        .setStarted(Started.newBuilder().setCachedTokens(cachedTokens)));
    }

    /** Samples the first token. */
    public void firstToken() {
        send(
                PrefillEvent.newBuilder()
                        .setFirstToken(
                                FakeModel.INSTANCE.token(
                                        request.getSpec(), request.getSpec().getEmittedCount())));
    }

    /** All KV is with the decoder. */
    public void sent() {
        worker.transfers().complete(request.getTicket().getTransferId());
    }

    public void done(int cachedTokens) {
        int prompt = request.getSpec().getPromptCount();
        send(
                PrefillEvent.newBuilder()
                        .setDone(
                                PrefillDone.newBuilder()
                                        .setPrefillNanos(2_000_000)
                                        .setComputedTokens(prompt - cachedTokens)
                                        .setCachedTokens(cachedTokens)
                                        .setPayloadBytes(1000)));
        signs.end();
        out.onCompleted();
    }

    public void failed(ErrorCode code, String message) {
        send(
                PrefillEvent.newBuilder()
                        .setFailure(Failure.newBuilder().setCode(code.code()).setMessage(message)));
        signs.end();
        out.onCompleted();
    }

    private void send(PrefillEvent.Builder event) {
        synchronized (out) {
            out.onNext(
                    event.setEpoch(request.getSpec().getEpoch())
                            .setIncarnation(worker.incarnation())
                            .build());
        }
    }
}

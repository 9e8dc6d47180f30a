package io.baton.router.fake;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.Failure;
import io.baton.common.proto.Finished;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.Started;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One Generate call as a script sees it. */
public final class FakeCall {
    private static final long WAIT_SECONDS = 20;

    private final FakeWorker worker;
    private final DecodeStart start;
    private final StreamObserver<DecodeEvent> out;
    private final LinkedBlockingQueue<DecodeCommand> commands = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
    private final FakeSigns signs;
    private int epoch;

    FakeCall(FakeWorker worker, DecodeStart start, StreamObserver<DecodeEvent> out) {
        this.worker = worker;
        this.start = start;
        this.out = out;
        this.epoch = start.getSpec().getEpoch();
        this.signs =
                new FakeSigns(
                        worker.timer(),
                        start.getSpec(),
                        alive -> send(DecodeEvent.newBuilder().setAlive(alive)));
        cancelled.thenRun(signs::end);
    }

    public GenerationSpec spec() {
        return start.getSpec();
    }

    public boolean isLocal() {
        return start.getLocalPrefill();
    }

    /** Completes when the router cancels the call. */
    public CompletableFuture<Void> cancelled() {
        return cancelled;
    }

    /** From now on the call says nothing of itself, though connection and heartbeats are fine. */
    public void fallSilent() {
        signs.end();
    }

    void command(DecodeCommand command) {
        commands.add(command);
    }

    /** Waits for a reticket; returns whether prefill is now local. */
    public boolean awaitReticket() throws InterruptedException {
        DecodeCommand command = commands.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (command == null || !command.hasReticket()) {
            throw new AssertionError("no reticket came, but " + command);
        }
        epoch = command.getReticket().getEpoch();
        return command.getReticket().getLocalPrefill();
    }

    /** Gives a ticket and returns its transfer. */
    public long ticket() {
        long transfer = worker.transfers().begin();
        send(
                DecodeEvent.newBuilder()
                        .setTicket(
                                Ticket.newBuilder()
                                        .setChannel("fake://" + worker.id())
                                        .setTransferId(transfer)
                                        .setEpoch(epoch)
                                        .setDecoderIncarnation(worker.incarnation())
                                        .setDecoderId(worker.id())
                                        .setLeaseMillis(1000)));
        return transfer;
    }

    /** Waits until a prefiller has sent all of a transfer, then says so. */
    public void awaitTransfer(long transfer) throws Exception {
        worker.transfers().await(transfer);
        send(
                DecodeEvent.newBuilder()
                        .setTransferDone(
                                TransferDone.newBuilder()
                                        .setPayloadBytes(1000)
                                        .setSavedBytes(0)
                                        .setTransferNanos(1_000_000)));
    }

    /** Local prefill has begun. */
    public void started(int cachedTokens) {
        send(
                DecodeEvent.newBuilder()
                        .setStarted(Started.newBuilder().setCachedTokens(cachedTokens)));
    }

    /** Sends tokens {@code [from, to)}. */
    public void tokens(int from, int to) {
        for (int i = from; i < to; i++) {
            token(FakeModel.INSTANCE.token(spec(), i));
        }
    }

    public void token(Token token) {
        send(DecodeEvent.newBuilder().setToken(token));
    }

    public void finished() {
        finished(
                Finished.newBuilder()
                        .setReason("length")
                        .setCompletionTokens(spec().getSampling().getMaxTokens())
                        .build());
    }

    public void finished(Finished finished) {
        send(DecodeEvent.newBuilder().setFinished(finished));
        signs.end();
        out.onCompleted();
    }

    /** Fails and ends the call. */
    public void failed(ErrorCode code, String message) {
        failure(code, message);
        signs.end();
        out.onCompleted();
    }

    /** Fails and waits for what the router says. */
    public void failure(ErrorCode code, String message) {
        send(
                DecodeEvent.newBuilder()
                        .setFailure(Failure.newBuilder().setCode(code.code()).setMessage(message)));
    }

    private void send(DecodeEvent.Builder event) {
        synchronized (out) {
            out.onNext(event.setEpoch(epoch).setIncarnation(worker.incarnation()).build());
        }
    }
}

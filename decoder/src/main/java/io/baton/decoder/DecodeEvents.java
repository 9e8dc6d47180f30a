package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.proto.Alive;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Started;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.common.worker.AttemptCall;
import io.baton.common.worker.Outlet;

/**
 * What one attempt tells the router: every event carries the epoch that holds when it is sent and
 * the decoder's incarnation. In the attempt's mailbox.
 */
final class DecodeEvents {
    private final Outlet<DecodeEvent> outlet;
    private final long incarnation;
    private int epoch;

    DecodeEvents(Outlet<DecodeEvent> outlet, long incarnation, int epoch) {
        this.outlet = outlet;
        this.incarnation = incarnation;
        this.epoch = epoch;
    }

    int epoch() {
        return epoch;
    }

    /** The attempt goes on under a newer epoch. */
    void renew(int newEpoch) {
        epoch = newEpoch;
    }

    void ticket(Ticket ticket) {
        send(DecodeEvent.newBuilder().setTicket(ticket));
    }

    void transferDone(TransferDone done) {
        send(DecodeEvent.newBuilder().setTransferDone(done));
    }

    /** The same under a newer epoch. The bytes were reported once and count once. */
    void transferDoneAgain(TransferDone done) {
        transferDone(done.toBuilder().clearPayloadBytes().clearSavedBytes().build());
    }

    /**
     * @param queueNanos wait for the first step
     * @param cachedTokens of the prompt, found here
     */
    void started(long queueNanos, int cachedTokens) {
        send(
                DecodeEvent.newBuilder()
                        .setStarted(
                                Started.newBuilder()
                                        .setQueueNanos(queueNanos)
                                        .setCachedTokens(cachedTokens)));
    }

    void alive(Alive sign) {
        send(DecodeEvent.newBuilder().setAlive(sign));
    }

    void promptTokens(PromptTokens tokens) {
        send(DecodeEvent.newBuilder().setPromptTokens(tokens));
    }

    void token(Token token) {
        send(DecodeEvent.newBuilder().setToken(token));
    }

    /** The answer is complete; nothing follows. */
    void finished(Finished finished) {
        send(DecodeEvent.newBuilder().setFinished(finished));
        outlet.complete();
    }

    /** A transfer failed; the attempt may go on. */
    void transferFailed(BatonException reason) {
        send(DecodeEvent.newBuilder().setFailure(AttemptCall.failure(reason)));
    }

    /** The attempt has failed; nothing follows. */
    void failed(BatonException error) {
        send(DecodeEvent.newBuilder().setFailure(AttemptCall.failure(error)));
        outlet.complete();
    }

    /** Nothing follows, and nobody wants to hear why. */
    void cancelled() {
        outlet.complete();
    }

    private void send(DecodeEvent.Builder event) {
        outlet.send(event.setEpoch(epoch).setIncarnation(incarnation).build());
    }
}

package io.baton.decoder;

import io.baton.common.proto.TransferDone;
import io.baton.common.time.Timer;
import io.baton.engine.Reservation;
import io.baton.kv.transfer.KvReceiver.InboundTransfer;
import io.baton.kv.transfer.TransferId;

/**
 * Where an attempt stands.
 *
 * <pre>
 * RESERVING --ticket given--> WAITING_KV --all verified--> DECODING --finished--> ENDED
 *     |                        |      ^                        ^
 *     |                 lost   v      | reticket               |
 *     |                   AWAITING_RETICKET                    | first token
 *     |                               | reticket (local)       |
 *     +--------local prefill-----> PREFILLING -----------------+
 * </pre>
 *
 * Cancel, failure, deadline and lost lease lead from every state to ENDED.
 */
sealed interface DecodeState {
    /** Nothing is held yet. */
    record Reserving() implements DecodeState {}

    /**
     * A ticket is out.
     *
     * @param place blocks that the KV is written to
     * @param transfer what brings it
     * @param ticket that the prefiller has
     */
    record WaitingKv(
            Reservation place, InboundTransfer transfer, IssuedTicket ticket, Timer.Handle lease)
            implements DecodeState {
        /** Of the transfer; what comes for another one is stale. */
        TransferId id() {
            return ticket.id();
        }
    }

    /**
     * The transfer failed; the router may find another prefiller.
     *
     * @param verifiedTokens tokens from the first whose blocks are complete
     */
    record AwaitingReticket(Reservation place, int verifiedTokens, Timer.Handle lease)
            implements DecodeState {}

    /** The engine computes the prompt here. */
    record Prefilling(Reservation place, long sinceNanos) implements DecodeState {}

    /**
     * The engine writes the answer.
     *
     * @param transfer what was said of it; empty if the prompt was prefilled here
     */
    record Decoding(Reservation place, TransferDone transfer, long sinceNanos)
            implements DecodeState {}

    /** Nothing is held any more. */
    record Ended() implements DecodeState {}
}

package io.baton.decoder;

import com.google.protobuf.InvalidProtocolBufferException;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.TokenOutput;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.common.worker.ProtoSampling;
import io.baton.kv.transfer.TransferStats;

/**
 * A complete transfer: the first token that its end frame carried, and what moved.
 *
 * @param first chosen by the prefiller
 * @param done as the router hears it
 */
record TransferReceipt(TokenOutput first, TransferDone done) {
    /**
     * Reads an end frame's trailer.
     *
     * @param expectedIndex of the first token
     * @throws BatonException KV_TRANSFER_FAILED if it is not this request's next token
     */
    static TransferReceipt of(
            byte[] trailer,
            int expectedIndex,
            int vocab,
            IssuedTicket ticket,
            TransferStats stats) {
        TokenOutput first;
        try {
            first = first(Token.parseFrom(trailer), expectedIndex, vocab);
        } catch (InvalidProtocolBufferException | BatonException e) {
            throw unusable(String.valueOf(e.getMessage()), e);
        }
        TransferDone done =
                TransferDone.newBuilder()
                        .setPayloadBytes(stats.payloadBytes())
                        .setSavedBytes(ticket.savedBytes())
                        .setTransferNanos(stats.nanos())
                        .setDecodingNanos(stats.codingNanos())
                        .setHeldTokens(ticket.spec().fromToken())
                        .build();
        return new TransferReceipt(first, done);
    }

    /**
     * A token that the prefiller chose.
     *
     * @throws BatonException INVALID_VALUE if it is not this request's next one
     */
    static TokenOutput first(Token token, int expectedIndex, int vocab) {
        TokenOutput first = ProtoSampling.fromProto(token, vocab);
        if (first.index() != expectedIndex) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "its first token has index %d, not %d".formatted(first.index(), expectedIndex));
        }
        return first;
    }

    private static BatonException unusable(String why, Throwable cause) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "the prefiller's end frame is unusable: " + why,
                null,
                cause);
    }
}

package io.baton.decoder;

import com.google.protobuf.ByteString;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.ChannelOffer;
import io.baton.common.proto.HeldRange;
import io.baton.common.proto.Ticket;
import io.baton.engine.SequenceSpec;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferSpec;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A ticket and the transfer it stands for.
 *
 * @param id of the transfer
 * @param spec what is to be sent
 * @param message what the prefiller gets, through the router
 */
record IssuedTicket(TransferId id, TransferSpec spec, Ticket message) {
    /**
     * Makes a ticket under a fresh transfer number.
     *
     * @param verifiedTokens tokens from the first whose KV is there
     */
    static IssuedTicket of(
            DecodePorts ports,
            SequenceSpec sequence,
            int epoch,
            KvLayout layout,
            int verifiedTokens) {
        DecodePorts.Identity identity = ports.identity();
        int known = sequence.knownTokens().length;
        int fromToken = wholeBlocks(verifiedTokens, known, layout);
        TransferId id =
                new TransferId(ports.around().random().nextLong(), epoch, identity.incarnation());
        TransferSpec spec =
                new TransferSpec(
                        layout, identity.options().serving().chunkTokens(), fromToken, known);
        Ticket.Builder message =
                Ticket.newBuilder()
                        .setChannel(ports.machines().receiver().url())
                        .setTransferId(id.transfer())
                        .setEpoch(epoch)
                        .setDecoderIncarnation(identity.incarnation())
                        .setDecoderId(identity.options().workerId())
                        .setLeaseMillis(
                                TimeUnit.NANOSECONDS.toMillis(
                                        identity.options().limits().leaseNanos()))
                        .setKv(identity.kv())
                        .setPrefillTokensPerSecond(ports.around().prefillTokensPerSecond().value())
                        .setDecodeBytesPerSecond(ports.machines().receiver().decodeBytesPerSecond())
                        .setModelFingerprint(identity.fingerprint());
        for (var offer : ports.machines().receiver().offers()) {
            message.addOffers(
                    ChannelOffer.newBuilder().setUrl(offer.url()).setPlace(offer.place()));
        }
        if (fromToken > 0) {
            List<ChunkKey> keys = sequence.keys().keys(sequence.knownTokens());
            ChunkKey last = keys.get(fromToken / layout.blockTokens() - 1);
            message.addHeld(
                    HeldRange.newBuilder()
                            .setTokens(fromToken)
                            .setKey(ByteString.copyFrom(last.toBytes())));
        }
        return new IssuedTicket(id, spec, message.build());
    }

    /**
     * Tokens of whole blocks that need neither be sent nor computed again. The block of the last
     * known token is never among them: an end frame always has a body, and the last token's logits
     * choose the next one.
     */
    static int wholeBlocks(int verifiedTokens, int knownTokens, KvLayout layout) {
        int lastBlock = (knownTokens - 1) / layout.blockTokens();
        return Math.min(verifiedTokens / layout.blockTokens(), lastBlock) * layout.blockTokens();
    }

    /** Bytes of KV that the decoder had, so that they were not moved. */
    long savedBytes() {
        return spec.layout().blockBytes() * (spec.fromToken() / spec.layout().blockTokens());
    }
}

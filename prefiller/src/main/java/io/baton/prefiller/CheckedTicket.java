package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.HeldRange;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.Ticket;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ProtoKv;
import io.baton.kv.channel.Hello;
import io.baton.kv.transfer.ChannelOffer;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferSpec;
import java.util.List;

/**
 * A ticket that fits this prefiller and the request.
 *
 * @param offers where to push: one or more ways to the decoder
 * @param id of the transfer
 * @param spec what to send
 * @param decoder what the decoder says of its speed
 */
record CheckedTicket(List<ChannelOffer> offers, TransferId id, TransferSpec spec, Speeds decoder) {
    private static final int MAX_URL_CHARACTERS = 512;
    private static final int MAX_OFFERS = 16;
    private static final int MAX_HELD_RANGES = 4096;

    /**
     * Checks a ticket.
     *
     * @param ours what this prefiller is
     * @param keys chain of the request's tenant; what the decoder holds must have these keys
     * @throws BatonException HANDSHAKE_MISMATCH with one line per difference, STALE_EPOCH
     */
    static CheckedTicket of(Ticket ticket, GenerationRequest request, Hello ours, KeyChain keys) {
        if (ticket.getEpoch() != request.epoch()) {
            throw new BatonException(
                    ErrorCode.STALE_EPOCH,
                    "the ticket is of epoch %d, the request of epoch %d"
                            .formatted(ticket.getEpoch(), request.epoch()));
        }
        KvFormat kv = ticket.getKv();
        Hello theirs =
                new Hello(
                        ticket.getDecoderId(),
                        ticket.getDecoderIncarnation(),
                        ticket.getModelFingerprint(),
                        ProtoKv.layout(kv),
                        kv.getChunkTokens(),
                        kv.getKeyFormatVersion(),
                        kv.getNumericProfile(),
                        ProtoKv.sameness(kv));
        List<String> differences = ours.diff(theirs);
        if (!differences.isEmpty()) {
            throw mismatch(
                    "decoder %s and prefiller %s do not fit: %s"
                            .formatted(
                                    ticket.getDecoderId(),
                                    ours.workerId(),
                                    String.join("; ", differences)));
        }
        List<ChannelOffer> offers = offers(ticket);
        int fromToken = heldTokens(ticket, request, ours.layout(), keys);
        return new CheckedTicket(
                offers,
                new TransferId(
                        ticket.getTransferId(), ticket.getEpoch(), ticket.getDecoderIncarnation()),
                new TransferSpec(
                        ours.layout(), ours.chunkTokens(), fromToken, request.knownTokens()),
                new Speeds(
                        speed(ticket.getPrefillTokensPerSecond()),
                        speed(ticket.getDecodeBytesPerSecond())));
    }

    /**
     * As measured; 0 for what is not known.
     *
     * @param decodeBytesPerSecond raw bytes of coded KV
     */
    record Speeds(double prefillTokensPerSecond, double decodeBytesPerSecond) {}

    private static double speed(double said) {
        return said > 0 && Double.isFinite(said) ? said : 0;
    }

    /** The ways to the decoder; a ticket without a list names one. */
    private static List<ChannelOffer> offers(Ticket ticket) {
        List<ChannelOffer> offers =
                ticket.getOffersCount() == 0
                        ? List.of(ChannelOffer.anywhere(ticket.getChannel()))
                        : ticket.getOffersList().stream()
                                .limit(MAX_OFFERS)
                                .map(offer -> new ChannelOffer(offer.getUrl(), offer.getPlace()))
                                .toList();
        for (ChannelOffer offer : offers) {
            if (offer.url().isEmpty()
                    || offer.url().length() > MAX_URL_CHARACTERS
                    || offer.place().length() > MAX_URL_CHARACTERS) {
                throw mismatch("the ticket names no channel");
            }
        }
        return offers;
    }

    /** The held ranges, which must follow each other from the first token, in whole blocks. */
    private static int heldTokens(
            Ticket ticket, GenerationRequest request, KvLayout layout, KeyChain keys) {
        if (ticket.getHeldCount() > MAX_HELD_RANGES) {
            throw mismatch("the ticket holds more than %d ranges".formatted(MAX_HELD_RANGES));
        }
        List<ChunkKey> chain = ticket.getHeldCount() == 0 ? List.of() : keys.keys(known(request));
        int held = 0;
        for (HeldRange range : ticket.getHeldList()) {
            int tokens = range.getTokens();
            if (range.getFirstToken() != held
                    || tokens <= 0
                    || tokens % layout.blockTokens() != 0
                    || tokens > request.knownTokens() - 1 - held) {
                throw mismatch(
                        "the ticket's held range [%d, +%d) is not whole blocks of the prefix"
                                .formatted(range.getFirstToken(), tokens));
            }
            held += tokens;
            byte[] key = range.getKey().toByteArray();
            ChunkKey ours = chain.get(held / layout.blockTokens() - 1);
            if (key.length != ChunkKey.BYTES || !ChunkKey.of(key).equals(ours)) {
                throw mismatch(
                        "the decoder's key of the block before token %d differs from ours: it holds another prefix, tenant or format"
                                .formatted(held));
            }
        }
        return held;
    }

    private static int[] known(GenerationRequest request) {
        int[] known = java.util.Arrays.copyOf(request.prompt(), request.knownTokens());
        System.arraycopy(
                request.emitted(), 0, known, request.prompt().length, request.emitted().length);
        return known;
    }

    private static BatonException mismatch(String message) {
        return new BatonException(ErrorCode.HANDSHAKE_MISMATCH, message);
    }
}

package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.ChannelOffer;
import io.baton.common.proto.HeldRange;
import io.baton.common.proto.Ticket;
import io.baton.common.testkit.AsciiTokenizer;
import io.baton.common.worker.GenerationRequest;
import io.baton.prefiller.SendProgress.Piece;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The pure parts: which tickets fit, and which blocks are ready. */
class CheckedTicketTest {
    private static CheckedTicket check(Ticket.Builder ticket) {
        return CheckedTicket.of(
                ticket.build(),
                GenerationRequest.fromProto(PrefillerRig.spec().build(), PrefillerRig.limits()),
                PrefillerRig.hello(),
                PrefillerRig.keys());
    }

    private static HeldRange.Builder held(int first, int tokens) {
        List<io.baton.common.kv.ChunkKey> keys =
                PrefillerRig.keys().keys(AsciiTokenizer.ids(PrefillerRig.PROMPT));
        int block = Math.clamp((first + tokens) / 16 - 1L, 0, keys.size() - 1);
        return HeldRange.newBuilder()
                .setFirstToken(first)
                .setTokens(tokens)
                .setKey(ByteString.copyFrom(keys.get(block).toBytes()));
    }

    @Test
    void aFittingTicketNamesWhatToSend() {
        CheckedTicket plain = check(PrefillerRig.ticket());
        assertEquals(0, plain.spec().fromToken());
        assertEquals(50, plain.spec().toToken());
        assertEquals("tcp://127.0.0.1:7001", plain.offers().getFirst().url());
        assertEquals(99, plain.id().transfer());
        var offered =
                check(
                                PrefillerRig.ticket()
                                        .addOffers(
                                                ChannelOffer.newBuilder()
                                                        .setUrl("shm:///x")
                                                        .setPlace("here")))
                        .offers();
        assertEquals(1, offered.size());
        assertEquals("shm:///x", offered.getFirst().url());
        assertEquals("here", offered.getFirst().place());
        assertEquals(42, plain.id().incarnation());
        assertEquals(48, check(PrefillerRig.ticket().addHeld(held(0, 48))).spec().fromToken());
        assertEquals(
                48,
                check(PrefillerRig.ticket().addHeld(held(0, 16)).addHeld(held(16, 32)))
                        .spec()
                        .fromToken());
    }

    @Test
    void everyDifferenceIsNamed() {
        List<Consumer<Ticket.Builder>> faults =
                List.of(
                        t -> t.setModelFingerprint("g"),
                        t -> t.getKvBuilder().setLayers(3),
                        t -> t.getKvBuilder().setKvHeads(2),
                        t -> t.getKvBuilder().setHeadDim(16),
                        t -> t.getKvBuilder().setDtype("f16"),
                        t -> t.getKvBuilder().setBlockTokens(32),
                        t -> t.getKvBuilder().setChunkTokens(64),
                        t -> t.getKvBuilder().setKeyFormatVersion(2),
                        t -> t.getKvBuilder().setNumericProfile("c:avx2:1"));
        for (Consumer<Ticket.Builder> fault : faults) {
            Ticket.Builder ticket = PrefillerRig.ticket();
            fault.accept(ticket);
            BatonException error = assertThrows(BatonException.class, () -> check(ticket));
            assertEquals(ErrorCode.HANDSHAKE_MISMATCH, error.code());
            assertTrue(error.text().contains("ours"), error.text());
        }
    }

    @Test
    void ticketsThatMeanNothingAreRefused() {
        List<Consumer<Ticket.Builder>> faults =
                List.of(
                        t -> t.setChannel(""),
                        t -> t.addOffers(ChannelOffer.getDefaultInstance()),
                        t ->
                                t.addOffers(
                                        ChannelOffer.newBuilder()
                                                .setUrl("tcp://" + "h".repeat(600))),
                        t -> t.getKvBuilder().setLayers(-1),
                        t -> t.addHeld(held(0, 17)),
                        t -> t.addHeld(held(0, 0)),
                        t -> t.addHeld(held(0, -16)),
                        t -> t.addHeld(held(16, 16)),
                        t -> t.addHeld(held(0, 64)),
                        t -> t.addHeld(held(0, Integer.MAX_VALUE - 15)),
                        t -> t.addHeld(held(0, 16)).addHeld(held(0, 16)),
                        t -> t.addHeld(held(0, 16).setKey(ByteString.copyFrom(new byte[32]))),
                        t -> t.addHeld(held(0, 16).setKey(ByteString.EMPTY)));
        for (Consumer<Ticket.Builder> fault : faults) {
            Ticket.Builder ticket = PrefillerRig.ticket();
            fault.accept(ticket);
            BatonException error = assertThrows(BatonException.class, () -> check(ticket));
            assertEquals(ErrorCode.HANDSHAKE_MISMATCH, error.code(), error.text());
        }
        BatonException stale =
                assertThrows(BatonException.class, () -> check(PrefillerRig.ticket().setEpoch(2)));
        assertEquals(ErrorCode.STALE_EPOCH, stale.code());
    }

    @Test
    void blocksAreReadyWhenTheirLastKnownTokenIs() {
        SendProgress progress = new SendProgress(PrefillerRig.LAYOUT, 32, 50, 0, 16);
        assertNull(progress.next());
        progress.computed(1, 31);
        assertNull(progress.next(), "block 1 lacks a token, block 0 is held there");
        progress.computed(1, 49);
        assertEquals(new Piece(1, 1, 1), progress.next(), "a piece ends at the chunk's border");
        progress.sent(new Piece(1, 1, 1));
        assertEquals(new Piece(1, 2, 1), progress.next());
        progress.sent(new Piece(1, 2, 1));
        assertNull(progress.next());
        progress.computed(1, 50);
        assertEquals(new Piece(1, 3, 1), progress.next());
        progress.sent(new Piece(1, 3, 1));
        progress.computed(0, 50);
        assertEquals(new Piece(0, 1, 1), progress.next());
        progress.sent(new Piece(0, 1, 1));
        assertEquals(new Piece(0, 2, 2), progress.next());
        progress.sent(new Piece(0, 2, 2));
        assertTrue(progress.isDone());
    }

    @Test
    void aLaterReportNeverTakesBack() {
        SendProgress progress = new SendProgress(PrefillerRig.LAYOUT, 32, 50, 16, 0);
        progress.computed(0, 48);
        progress.computed(0, 32);
        assertEquals(new Piece(0, 0, 2), progress.next());
        progress.sent(new Piece(0, 0, 2));
        assertEquals(new Piece(1, 0, 1), progress.next(), "the earlier chunk goes first");
        progress.sent(new Piece(1, 0, 1));
        assertEquals(new Piece(0, 2, 1), progress.next());
    }
}

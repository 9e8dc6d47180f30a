package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.SendResult;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.Kv;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a transfer promises, over every channel. */
abstract class TransferContractTest {
    private static final byte[] TRAILER = "token 0".getBytes(StandardCharsets.UTF_8);

    private final DefaultKvReceiver small = DefaultKvReceiver.listen(url(), Kv.receiving(Kv.SMALL));
    private final DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL));
    private final BlockingQueue<BatonException> lost = new ArrayBlockingQueue<>(16);

    abstract String url();

    @AfterEach
    void close() {
        senders.close();
        small.close();
        Kv.awaitNone(small::liveTransfers);
        Kv.awaitNone(senders::liveTransfers);
    }

    @Test
    void movesEveryByteAndTheTrailer() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 32, 307);
        Destination to = new Destination(spec);
        KvReceiver.InboundTransfer in = small.expect(Kv.id(1, 1), spec, to, to);
        assertFalse(in.hasBegun());
        try (var out = senders.open(small.url(), Kv.id(1, 1), spec, lost::add)) {
            assertEquals(SendResult.OK, Kv.sendAll(out, spec, 9, TRAILER));
            assertTrue(to.awaitEnd());
            assertEquals(out.stats().payloadBytes(), to.stats.payloadBytes());
            assertEquals(out.stats().frames(), to.stats.frames());
        }
        assertEquals(1, to.completions.get());
        assertTrue(to.holds(9));
        assertEquals("token 0", new String(to.trailer, StandardCharsets.UTF_8));
        assertEquals(307 - 32, in.completeTokens());
        assertTrue(in.hasBegun());
        assertEquals(0, lost.size());
        assertEquals(18 * 3 * 1024, small.counters().snapshot().payloadBytes());
    }

    @Test
    void splitsLargePartsIntoFrames() throws Exception {
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                url().replace("contract", "large"), Kv.receiving(Kv.LARGE));
                DefaultKvSenders sender = DefaultKvSenders.of(Kv.sending(Kv.LARGE))) {
            TransferSpec spec = Kv.spec(Kv.LARGE, 0, 1024);
            Destination to = new Destination(spec);
            receiver.expect(Kv.id(1, 1), spec, to, to);
            try (var out = sender.open(receiver.url(), Kv.id(1, 1), spec, lost::add)) {
                assertEquals(SendResult.OK, Kv.sendAll(out, spec, 4, TRAILER));
                assertTrue(to.awaitEnd());
                assertEquals(16, out.stats().frames());
            }
            assertTrue(to.holds(4));
        }
    }

    @Test
    void tellsTheSenderOfAnUnknownTransfer() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        try (var out = senders.open(small.url(), Kv.id(404, 1), spec, lost::add)) {
            BatonException reason = lost.poll(20, TimeUnit.SECONDS);
            assertEquals(ErrorCode.STALE_EPOCH, reason.code());
            assertEquals(SendResult.CLOSED, out.offer(0, 0, Kv.bytes(spec, 1, 0, 0, 4)));
            assertTrue(out.awaitWritable(1_000_000_000));
        }
        assertEquals(1, small.counters().snapshot().staleFrames());
    }

    @Test
    void closeOfTheReceivingSideReachesTheSender() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        Destination to = new Destination(spec);
        KvReceiver.InboundTransfer in = small.expect(Kv.id(2, 1), spec, to, to);
        try (var out = senders.open(small.url(), Kv.id(2, 1), spec, lost::add)) {
            assertEquals(SendResult.OK, out.offer(0, 0, Kv.bytes(spec, 1, 0, 0, 4)));
            while (!in.hasBegun()) {
                Thread.onSpinWait();
            }
            in.close();
            to.closed = true;
            assertTrue(lost.poll(20, TimeUnit.SECONDS) != null);
            assertEquals(SendResult.CLOSED, out.offer(1, 0, Kv.bytes(spec, 1, 1, 0, 4)));
        }
        assertEquals(0, to.completions.get() + to.failures.get() + to.callsAfterClose.get());
    }

    @Test
    void closeOfTheSendingSideFailsTheReceiver() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 128);
        Destination to = new Destination(spec);
        KvReceiver.InboundTransfer in = small.expect(Kv.id(3, 1), spec, to, to);
        var out = senders.open(small.url(), Kv.id(3, 1), spec, lost::add);
        for (int layer = 0; layer < 3; layer++) {
            assertEquals(SendResult.OK, out.offer(layer, 0, Kv.bytes(spec, 1, layer, 0, 2)));
        }
        assertEquals(SendResult.OK, out.offer(0, 2, Kv.bytes(spec, 1, 0, 2, 2)));
        out.close();
        assertTrue(to.awaitEnd());
        assertEquals(1, to.failures.get());
        assertEquals(32, in.completeTokens(), "verified blocks are kept for a retry");
        assertEquals(0, lost.size());
    }

    @Test
    void olderEpochNeverChangesAnything() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        Destination first = new Destination(spec);
        Destination second = new Destination(spec);
        small.expect(Kv.id(4, 1), spec, first, first);
        var old = senders.open(small.url(), Kv.id(4, 1), spec, lost::add);
        small.expect(Kv.id(4, 2), spec, second, second);
        assertTrue(first.awaitEnd());
        assertEquals(ErrorCode.STALE_EPOCH, first.reason.code());
        Kv.sendAll(old, spec, 666, TRAILER);
        try (var out = senders.open(small.url(), Kv.id(4, 2), spec, lost::add)) {
            assertEquals(SendResult.OK, Kv.sendAll(out, spec, 5, TRAILER));
            assertTrue(second.awaitEnd());
        }
        old.close();
        assertTrue(second.holds(5));
        assertEquals(0, first.placements.get());
    }

    @Test
    void twoTransfersShareOneChannel() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 640);
        Destination a = new Destination(spec);
        Destination b = new Destination(spec);
        small.expect(Kv.id(5, 1), spec, a, a);
        small.expect(Kv.id(6, 1), spec, b, b);
        try (var outA = senders.open(small.url(), Kv.id(5, 1), spec, lost::add);
                var outB = senders.open(small.url(), Kv.id(6, 1), spec, lost::add)) {
            Thread other =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            Kv.sendAll(outB, spec, 2, TRAILER);
                                        } catch (InterruptedException e) {
                                            Thread.currentThread().interrupt();
                                        }
                                    });
            Kv.sendAll(outA, spec, 1, TRAILER);
            assertTrue(other.join(Kv.LIMIT));
            assertTrue(a.awaitEnd());
            assertTrue(b.awaitEnd());
        }
        assertTrue(a.holds(1));
        assertTrue(b.holds(2));
        assertEquals(1, small.counters().snapshot().channelsOpened());
    }

    @Test
    void refusesTheTicketOfAnEarlierIncarnation() {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        BatonException refusal =
                assertThrows(
                        BatonException.class,
                        () ->
                                senders.open(
                                        small.url(),
                                        new TransferId(1, 1, Kv.INCARNATION - 1),
                                        spec,
                                        lost::add));
        assertEquals(ErrorCode.STALE_EPOCH, refusal.code());
    }

    @Test
    void receiverCloseFailsWhatIsExpected() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        Destination to = new Destination(spec);
        small.expect(Kv.id(7, 1), spec, to, to);
        var out = senders.open(small.url(), Kv.id(7, 1), spec, lost::add);
        small.close();
        assertTrue(to.awaitEnd());
        assertEquals(ErrorCode.DRAINING, to.reason.code());
        assertTrue(lost.poll(20, TimeUnit.SECONDS) != null);
        out.close();
        assertThrows(BatonException.class, () -> small.expect(Kv.id(8, 1), spec, to, to));
    }

    @Test
    void reconnectsAfterTheReceiverCameBack() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        String url = url().replace("contract", "again");
        DefaultKvReceiver first = DefaultKvReceiver.listen(url, Kv.receiving(Kv.SMALL));
        String bound = first.url();
        Destination to = new Destination(spec);
        first.expect(Kv.id(1, 1), spec, to, to);
        var out = senders.open(bound, Kv.id(1, 1), spec, lost::add);
        first.close();
        assertTrue(lost.poll(20, TimeUnit.SECONDS) != null);
        out.close();
        assertEquals(
                ErrorCode.KV_TRANSFER_FAILED,
                assertThrows(
                                BatonException.class,
                                () -> senders.open(bound, Kv.id(1, 2), spec, lost::add))
                        .code());
        try (DefaultKvReceiver second = DefaultKvReceiver.listen(bound, Kv.receiving(Kv.SMALL))) {
            Destination again = new Destination(spec);
            second.expect(Kv.id(1, 2), spec, again, again);
            try (var retry = senders.open(bound, Kv.id(1, 2), spec, lost::add)) {
                Kv.sendAll(retry, spec, 3, TRAILER);
                assertTrue(again.awaitEnd());
            }
            assertTrue(again.holds(3));
        }
    }
}

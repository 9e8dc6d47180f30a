package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.FaultProxy;
import io.baton.kv.testkit.FaultProxy.Fault;
import io.baton.kv.testkit.Kv;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Raw KV that is read from a socket straight to its place, in parts of 1 MiB. */
final class PlacedPayloadTest {
    private static final TransferSpec SPEC = Kv.spec(Kv.LARGE, 0, 256);
    private static final long PART_BYTES = 1 << 20;
    private static final long PARTS = 4;
    private static final byte[] TRAILER = {1, 2};

    private DefaultKvReceiver receiver;
    private DefaultKvSenders senders;

    @BeforeEach
    void listen() {
        receiver = DefaultKvReceiver.listen("tcp://127.0.0.1:0", Kv.receiving(Kv.LARGE));
        senders = DefaultKvSenders.of(Kv.sending(Kv.LARGE));
    }

    @AfterEach
    void close() {
        senders.close();
        receiver.close();
        TransferCounters.Counts counts = receiver.counters().snapshot();
        assertEquals(counts.channelsOpened(), counts.channelsClosed(), "no channel leaks");
    }

    /** Sends all; a failure to connect or send is the sender's side of the fault. */
    private void send(String url, TransferId id, long seed) throws InterruptedException {
        try (var out = senders.open(url, id, SPEC, reason -> {})) {
            Kv.sendAll(out, SPEC, seed, TRAILER);
        } catch (BatonException e) {
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
        }
    }

    @Test
    void everyByteArrivesAndRoomIsUsed() throws Exception {
        Destination to = new Destination(SPEC);
        try (var in = receiver.expect(Kv.id(1, 1), SPEC, to, to)) {
            send(receiver.url(), Kv.id(1, 1), 5);
            assertTrue(to.awaitEnd());
        }
        assertEquals(1, to.completions.get());
        assertTrue(to.holds(5));
        assertTrue(to.rooms.get() > 0, "some went straight to their place");
        assertEquals(PARTS * PART_BYTES, to.stats.payloadBytes());
    }

    @Test
    void aFlippedBitIsNeverVerified() throws Exception {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 12; i++) {
            long bit = 8 * random.nextLong(1000, PARTS * PART_BYTES);
            Destination to = new Destination(SPEC);
            try (FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.Flip(bit));
                    var in = receiver.expect(Kv.id(i + 1, 1), SPEC, to, to)) {
                send(proxy.url(), Kv.id(i + 1, 1), i);
                assertTrue(to.awaitEnd());
            }
            assertEquals(1, to.failures.get(), "flipped bit " + bit);
            assertEquals(0, to.wrongPlaced(i), "what was verified is right");
        }
    }

    @Test
    void whatWasCutIsSentAgainToTheSamePlace() throws Exception {
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 6; i++) {
            long at = random.nextLong(1000, PARTS * PART_BYTES);
            Destination to = new Destination(SPEC);
            int transfer = i + 1;
            try (FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.Cut(at, false));
                    var in = receiver.expect(Kv.id(transfer, 1), SPEC, to, to)) {
                send(proxy.url(), Kv.id(transfer, 1), 8);
                assertTrue(to.awaitEnd());
            }
            assertEquals(1, to.failures.get(), "cut at " + at);
            Destination again = new Destination(SPEC);
            try (var in = receiver.expect(Kv.id(transfer, 2), SPEC, again, again)) {
                send(receiver.url(), Kv.id(transfer, 2), 9);
                assertTrue(again.awaitEnd());
            }
            assertTrue(again.holds(9));
        }
    }

    /** The place may be another's after close: the rest of the payload goes nowhere. */
    @Test
    void nothingIsWrittenAfterCloseInTheMiddleOfAPart() throws Exception {
        Destination to = new Destination(SPEC);
        Destination next = new Destination(SPEC);
        try (FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.Throttle(8192))) {
            var in = receiver.expect(Kv.id(1, 1), SPEC, to, to);
            Thread sending =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            send(proxy.url(), Kv.id(1, 1), 5);
                                        } catch (InterruptedException e) {
                                            Thread.currentThread().interrupt();
                                        }
                                    });
            while (to.rooms.get() == 0) {
                Thread.onSpinWait();
            }
            in.close();
            byte[] before = to.bytes();
            sending.join();
            // The same channel carries the next transfer, after all that was left of the first.
            try (var after = receiver.expect(Kv.id(2, 1), SPEC, next, next)) {
                send(proxy.url(), Kv.id(2, 1), 6);
                assertTrue(next.awaitEnd());
            }
            assertTrue(next.holds(6));
            assertArrayEquals(before, to.bytes());
        }
        assertEquals(0, to.completions.get() + to.failures.get());
    }
}

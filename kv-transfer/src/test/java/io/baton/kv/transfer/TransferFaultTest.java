package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.SendResult;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.FaultProxy;
import io.baton.kv.testkit.FaultProxy.Fault;
import io.baton.kv.testkit.Kv;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What transfers do when the network is against them: a proxy cuts, flips, loses and slows. */
final class TransferFaultTest {
    private static final byte[] TRAILER = "token 0".getBytes(StandardCharsets.UTF_8);
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 160);

    /** Ten data frames of 2 to 4 KiB, handshake, keep-alive and end. */
    private static final long STREAM_BYTES = 32_000;

    private static final long FRAME_BYTES = 88 + 4096;

    private static final TransferOptions.Times SHORT =
            new TransferOptions.Times(
                    Duration.ofMillis(50).toNanos(),
                    Duration.ofMillis(200).toNanos(),
                    Duration.ofMillis(500).toNanos(),
                    Duration.ofMinutes(1).toNanos());

    private static final TransferOptions.Times RUN =
            new TransferOptions.Times(
                    Duration.ofMillis(100).toNanos(),
                    Duration.ofMillis(600).toNanos(),
                    Duration.ofMillis(1000).toNanos(),
                    Duration.ofMinutes(1).toNanos());

    /** A reset is sent once: a lost one leaves a half-open connection, which only a stall ends. */
    private static final TransferOptions.Times RESET =
            new TransferOptions.Times(
                    Kv.PATIENT.keepAliveNanos(),
                    Duration.ofSeconds(3).toNanos(),
                    Kv.PATIENT.silenceNanos(),
                    Kv.PATIENT.idleNanos());

    private final BlockingQueue<BatonException> lost = new ArrayBlockingQueue<>(64);

    /** One transfer through a proxy; both ends are closed and checked for leaks. */
    private Destination run(Fault fault, TransferOptions.Times times, long seed) throws Exception {
        BlockingQueue<BatonException> lostHere = new ArrayBlockingQueue<>(4);
        Destination to = new Destination(SPEC);
        DefaultKvReceiver receiver =
                DefaultKvReceiver.listen(
                        "tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL).withTimes(times));
        DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL).withTimes(times));
        try (receiver;
                senders;
                FaultProxy proxy = new FaultProxy(receiver.url(), fault)) {
            KvReceiver.InboundTransfer in = receiver.expect(Kv.id(seed, 1), SPEC, to, to);
            try (var out = senders.open(proxy.url(), Kv.id(seed, 1), SPEC, lostHere::add)) {
                Kv.sendAll(out, SPEC, seed, TRAILER);
                awaitEnd(to, in, lostHere, fault);
            } catch (BatonException connectionFailed) {
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, connectionFailed.code());
            }
            in.close();
            to.closed = true;
            Kv.awaitNone(receiver::liveTransfers);
            Kv.awaitNone(senders::liveTransfers);
        }
        TransferCounters.Counts counts = receiver.counters().snapshot();
        assertEquals(counts.channelsOpened(), counts.channelsClosed(), "no channel leaks");
        assertEquals(0, to.callsAfterClose.get());
        assertEquals(0, to.wrongPlaced(seed), "never a wrong byte");
        return to;
    }

    /** The receiver hears the end; if no frame ever reached it whole, the sender does. */
    private static void awaitEnd(
            Destination to, KvReceiver.InboundTransfer in, BlockingQueue<?> lostHere, Fault fault)
            throws InterruptedException {
        long limit = System.nanoTime() + Kv.LIMIT.toNanos();
        while (!to.awaitEndMillis(20) && (in.hasBegun() || lostHere.isEmpty())) {
            assertTrue(System.nanoTime() < limit, () -> "no end under " + fault);
        }
    }

    @Test
    void cutAtEveryKindOfOffsetFailsOnceAndInTime() throws Exception {
        SplittableRandom random = new SplittableRandom(7);
        List<Long> offsets = new ArrayList<>();
        long data = 600;
        for (long frame = 0; frame < 3; frame++) {
            long start = data + frame * FRAME_BYTES;
            // Before a header, in its ids, in its lengths, before its checksum, in the payload.
            offsets.addAll(List.of(start, start + 3, start + 10, start + 84, start + 1000));
        }
        for (int i = 0; i < 10; i++) {
            offsets.add(random.nextLong(600, STREAM_BYTES));
        }
        for (int i = 0; i < offsets.size(); i++) {
            long at = offsets.get(i);
            boolean reset = i % 2 == 0;
            Destination to = run(new Fault.Cut(at, reset), reset ? RESET : Kv.PATIENT, i);
            assertEquals(0, to.completions.get(), "cut at " + at);
            assertEquals(1, to.failures.get(), "cut at " + at);
        }
    }

    @Test
    void aFlippedBitIsAFailureAndNeverWrongKv() throws Exception {
        SplittableRandom random = new SplittableRandom(8);
        int completed = 0;
        for (int i = 0; i < 40; i++) {
            Destination to = run(new Fault.Flip(random.nextLong(8 * STREAM_BYTES)), SHORT, i);
            completed += to.completions.get();
            assertTrue(to.completions.get() + to.failures.get() <= 1);
        }
        assertEquals(0, completed, "every byte of the stream is covered by a checksum");
    }

    @Test
    void duplicatesAndReorderingChangeNothing() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            Destination to = run(new Fault.Frames(seed, 40, 40, 0), Kv.PATIENT, seed);
            assertEquals(1, to.completions.get());
            assertEquals(0, to.failures.get());
            assertTrue(to.holds(seed));
        }
    }

    @Test
    void aMissingFrameIsAStallNotAResult() throws Exception {
        Destination to = run(new Fault.Frames(3, 0, 0, 50), SHORT, 3);
        assertEquals(1, to.failures.get());
        assertTrue(to.reason.text().contains("block layers are missing"), to.reason.text());
        assertTrue(to.reason.text().contains("though the end has come"), to.reason.text());
    }

    @Test
    void receiversThatAreGoneAreForgotten() throws Exception {
        try (DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            String url;
            Destination to = new Destination(SPEC);
            try (DefaultKvReceiver receiver =
                    DefaultKvReceiver.listen("tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL))) {
                url = receiver.url();
                receiver.expect(Kv.id(1, 1), SPEC, to, to);
                try (var out = senders.open(url, Kv.id(1, 1), SPEC, reason -> {})) {
                    assertEquals(SendResult.OK, Kv.sendAll(out, SPEC, 1, TRAILER));
                    assertTrue(to.awaitEnd());
                    assertEquals(1, senders.knownReceivers());
                }
            }
            Kv.awaitNone(senders::knownReceivers);
            assertThrows(
                    BatonException.class,
                    () -> senders.open(url, Kv.id(2, 1), SPEC, reason -> {}),
                    "nobody listens there any more");
            Kv.awaitNone(senders::knownReceivers);
        }
    }

    @Test
    void slowLinksComplete() throws Exception {
        Destination to = run(new Fault.Throttle(500), Kv.PATIENT, 4);
        assertEquals(1, to.completions.get());
        assertTrue(to.holds(4));
    }

    @Test
    void aHalfOpenConnectionFailsBothEnds() throws Exception {
        Destination to = run(new Fault.Stall(3000), SHORT, 5);
        assertEquals(1, to.failures.get());
        Destination other = new Destination(SPEC);
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL).withTimes(SHORT));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(Kv.sending(Kv.SMALL).withTimes(SHORT));
                FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.Stall(3000))) {
            receiver.expect(Kv.id(9, 1), SPEC, other, other);
            lost.clear();
            var out = senders.open(proxy.url(), Kv.id(9, 1), SPEC, lost::add);
            out.offer(0, 0, Kv.bytes(SPEC, 9, 0, 0, 4));
            BatonException reason = lost.poll(20, TimeUnit.SECONDS);
            assertTrue(reason.text().contains("silent"), reason.text());
            assertTrue(other.awaitEnd());
            assertEquals(1, senders.counters().snapshot().stalls());
            out.close();
        }
    }

    /**
     * A thousand lives of a transfer: it ends well with every byte right, or it fails; never both.
     */
    @Test
    void aThousandRandomRuns() throws Exception {
        AtomicInteger completed = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        List<Future<?>> runs = new ArrayList<>();
        try (ExecutorService eight = Executors.newFixedThreadPool(8)) {
            for (int seed = 0; seed < 1000; seed++) {
                int number = seed;
                runs.add(
                        eight.submit(
                                () -> {
                                    Destination to = run(randomFault(number), RUN, number);
                                    int ends = to.completions.get() + to.failures.get();
                                    assertTrue(ends <= 1, "seed " + number);
                                    assertTrue(
                                            to.completions.get() == 0 || to.holds(number),
                                            "seed " + number);
                                    completed.addAndGet(to.completions.get());
                                    failed.addAndGet(to.failures.get());
                                    return null;
                                }));
            }
            for (Future<?> each : runs) {
                each.get(120, TimeUnit.SECONDS);
            }
        }
        assertTrue(completed.get() > 100 && failed.get() > 100, completed + " and " + failed);
    }

    private static Fault randomFault(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return switch (random.nextInt(8)) {
            case 0 -> new Fault.Cut(random.nextLong(STREAM_BYTES), false);
            case 1 -> new Fault.Cut(random.nextLong(STREAM_BYTES), true);
            case 2 -> new Fault.Flip(8 * random.nextLong(600, STREAM_BYTES));
            case 3 -> new Fault.Frames(seed, 30, 0, 0);
            case 4 -> new Fault.Frames(seed, 0, 30, 0);
            case 5 -> new Fault.Frames(seed, 20, 20, random.nextInt(2));
            case 6 ->
                    seed % 10 == 0
                            ? new Fault.Stall(random.nextLong(600, STREAM_BYTES))
                            : new Fault.None();
            default -> new Fault.Throttle(4000 + random.nextInt(8000));
        };
    }
}

package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ChannelOptions;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What transfers do when the network, a peer or the order of things is against them. */
final class TransferFaultTest {
    private static final byte[] TRAILER = "token 0".getBytes(StandardCharsets.UTF_8);
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 160);

    /** Ten data frames of 2 to 4 KiB, handshake, keep-alive and end. */
    private static final long STREAM_BYTES = 32_000;

    private static final long FRAME_BYTES = 88 + 4096;
    private static final long LOST_MILLIS = 750;

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
            assertEquals(0, receiver.liveTransfers());
            assertEquals(0, senders.liveTransfers());
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
            Destination to = run(new Fault.Cut(at, i % 2 == 0), TransferOptions.Times.DEFAULT, i);
            assertEquals(0, to.completions.get(), "cut at " + at);
            assertEquals(1, to.failures.get(), "cut at " + at);
        }
    }

    @Test
    void aClosedSocketIsToldWithinTheLimit() throws Exception {
        Destination to = new Destination(SPEC);
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL));
                DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            receiver.expect(Kv.id(1, 1), SPEC, to, to);
            FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.None());
            var out = senders.open(proxy.url(), Kv.id(1, 1), SPEC, lost::add);
            out.offer(0, 0, Kv.bytes(SPEC, 1, 0, 0, 4));
            while (to.placements.get() == 0) {
                Thread.onSpinWait();
            }
            proxy.close();
            assertTrue(to.awaitEndMillis(LOST_MILLIS), "the receiver hears of it");
            assertNotNull(lost.poll(LOST_MILLIS, TimeUnit.MILLISECONDS), "the sender hears of it");
            assertEquals(SendResult.CLOSED, out.offer(1, 0, Kv.bytes(SPEC, 1, 1, 0, 4)));
            out.close();
        }
        assertEquals(1, to.failures.get());
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
            Destination to =
                    run(new Fault.Frames(seed, 40, 40, 0), TransferOptions.Times.DEFAULT, seed);
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
    void slowLinksComplete() throws Exception {
        Destination to = run(new Fault.Throttle(500), TransferOptions.Times.DEFAULT, 4);
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

    @Test
    void keepAlivesHoldATransferThatWaitsAndSilenceEndsIt() throws Exception {
        VirtualTime time = new VirtualTime();
        Destination to = new Destination(SPEC);
        try (DefaultKvReceiver receiver = receiver(time);
                DefaultKvSenders senders = senders(time);
                FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.None())) {
            var in = receiver.expect(Kv.id(1, 1), SPEC, to, to);
            time.advance(TimeUnit.SECONDS.toNanos(60));
            var out = senders.open(proxy.url(), Kv.id(1, 1), SPEC, lost::add);
            for (int i = 0; i < 40; i++) {
                time.advance(TimeUnit.MILLISECONDS.toNanos(500));
                awaitAnswer(out, time);
            }
            assertTrue(in.hasBegun());
            assertEquals(0, to.failures.get(), "20 s with nothing but keep-alives");
            proxy.stallNow();
            long silentFrom = time.nanos();
            while (to.failures.get() == 0) {
                time.advance(TimeUnit.MILLISECONDS.toNanos(25));
                to.awaitEndMillis(40);
                assertTrue(time.nanos() - silentFrom < TimeUnit.SECONDS.toNanos(5));
            }
            long silent = time.nanos() - silentFrom;
            assertTrue(silent >= TimeUnit.MILLISECONDS.toNanos(1900), "not before its time");
            assertTrue(to.reason.text().contains("no frame came"), to.reason.text());
            assertEquals(1, receiver.counters().snapshot().stalls());
            assertEquals(0, lost.size(), "the sender allows 5 s");
            out.close();
        }
    }

    private static void awaitAnswer(KvSenders.OutboundTransfer out, Ticker time) {
        long limit = System.nanoTime() + Kv.LIMIT.toNanos();
        while (((Outbound) out).channel().heardNanos() != time.nanos()) {
            assertTrue(System.nanoTime() < limit, "the receiver answers keep-alives");
            Thread.onSpinWait();
        }
    }

    private static DefaultKvReceiver receiver(Ticker time) {
        return DefaultKvReceiver.listen(
                "tcp://127.0.0.1:0",
                TransferOptions.of(
                        Kv.hello("d", Kv.INCARNATION, Kv.SMALL), ClusterToken.none(), time));
    }

    private static DefaultKvSenders senders(Ticker time) {
        return DefaultKvSenders.of(
                TransferOptions.of(Kv.hello("p", 5, Kv.SMALL), ClusterToken.none(), time));
    }

    @Test
    void aSlowReceiverHoldsUpNobodyElse() throws Exception {
        TransferSpec large = Kv.spec(Kv.LARGE, 0, 4096);
        CountDownLatch release = new CountDownLatch(1);
        Destination slow = new Destination(large);
        Destination quick = new Destination(large);
        KvSink blocking =
                (layer, block, bytes) -> {
                    awaitUninterruptibly(release);
                    slow.accept(layer, block, bytes);
                };
        ChannelOptions channel = Kv.sending(Kv.LARGE).channel();
        try (DefaultKvReceiver a =
                        DefaultKvReceiver.listen("tcp://127.0.0.1:0", Kv.receiving(Kv.LARGE));
                DefaultKvReceiver b =
                        DefaultKvReceiver.listen("tcp://127.0.0.1:0", Kv.receiving(Kv.LARGE));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(
                                Kv.sending(Kv.LARGE)
                                        .withChannel(
                                                channel.withBounds(
                                                        channel.bounds()
                                                                .withQueueBytes(4 << 20))))) {
            a.expect(Kv.id(1, 1), large, blocking, slow);
            b.expect(Kv.id(2, 1), large, quick, quick);
            var toSlow = senders.open(a.url(), Kv.id(1, 1), large, lost::add);
            var toQuick = senders.open(b.url(), Kv.id(2, 1), large, lost::add);
            int chunk = 0;
            while (toSlow.offer(
                            chunk % 2,
                            chunk / 2 * 16,
                            Kv.bytes(large, 1, chunk % 2, chunk / 2 * 16, 16))
                    == SendResult.OK) {
                chunk++;
                assertTrue(chunk < 32, "back-pressure must come before everything is sent");
            }
            assertTrue(senders.counters().snapshot().backPressured() > 0);
            assertEquals(SendResult.OK, Kv.sendAll(toQuick, large, 2, TRAILER));
            assertTrue(quick.awaitEnd());
            assertTrue(quick.holds(2));
            release.countDown();
            for (; chunk < 32; chunk++) {
                var part = Kv.bytes(large, 1, chunk % 2, chunk / 2 * 16, 16);
                while (toSlow.offer(chunk % 2, chunk / 2 * 16, part) == SendResult.BACK_PRESSURED) {
                    assertTrue(toSlow.awaitWritable(Kv.LIMIT.toNanos()));
                }
            }
            assertEquals(SendResult.OK, toSlow.finish(TRAILER));
            assertTrue(slow.awaitEnd());
            assertTrue(slow.holds(1));
            toSlow.close();
            toQuick.close();
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            assertTrue(latch.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void closeRacesWithFramesAndTheListenerIsNeverCalledTwiceOrAfterwards() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        int ended = 0;
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("loopback://race", Kv.receiving(Kv.SMALL));
                DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            SplittableRandom random = new SplittableRandom(11);
            for (int i = 1; i <= 500; i++) {
                Destination to = new Destination(spec);
                var in = receiver.expect(Kv.id(i, 1), spec, to, to);
                var out = senders.open(receiver.url(), Kv.id(i, 1), spec, reason -> {});
                CyclicBarrier start = new CyclicBarrier(2);
                int spins = random.nextInt(20_000);
                Thread closer =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            meet(start);
                                            for (int s = 0; s < spins; s++) {
                                                Thread.onSpinWait();
                                            }
                                            in.close();
                                            to.closed = true;
                                        });
                meet(start);
                Kv.sendAll(out, spec, i, TRAILER);
                if (i % 3 == 0) {
                    out.close();
                }
                assertTrue(closer.join(Kv.LIMIT));
                out.close();
                assertTrue(to.completions.get() + to.failures.get() <= 1);
                ended += to.completions.get() + to.failures.get();
                assertEquals(0, to.wrongPlaced(i));
                assertEquals(0, to.callsAfterClose.get());
            }
            assertEquals(0, receiver.liveTransfers());
        }
        assertTrue(ended > 0 && ended < 500, "both orders happen: " + ended);
    }

    private static void meet(CyclicBarrier barrier) {
        try {
            barrier.await(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void twoEpochsRace() throws Exception {
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("loopback://epochs", Kv.receiving(Kv.SMALL));
                DefaultKvSenders first = DefaultKvSenders.of(Kv.sending(Kv.SMALL));
                DefaultKvSenders second = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            for (int i = 1; i <= 100; i++) {
                Destination old = new Destination(SPEC);
                Destination young = new Destination(SPEC);
                receiver.expect(Kv.id(i, 1), SPEC, old, old);
                var oldOut = first.open(receiver.url(), Kv.id(i, 1), SPEC, reason -> {});
                int transfer = i;
                Thread sender = Thread.ofPlatform().start(() -> sendUnchecked(oldOut, -transfer));
                receiver.expect(Kv.id(i, 2), SPEC, young, young);
                var youngOut = second.open(receiver.url(), Kv.id(i, 2), SPEC, reason -> {});
                assertEquals(SendResult.OK, Kv.sendAll(youngOut, SPEC, i, TRAILER));
                assertTrue(young.awaitEnd());
                assertTrue(sender.join(Kv.LIMIT));
                assertTrue(young.holds(i));
                assertEquals(1, young.completions.get());
                assertEquals(1, old.completions.get() + old.failures.get());
                assertEquals(0, old.wrongPlaced(-i));
                oldOut.close();
                youngOut.close();
            }
        }
    }

    private static void sendUnchecked(KvSenders.OutboundTransfer out, long seed) {
        try {
            Kv.sendAll(out, SPEC, seed, TRAILER);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aThrowingSinkFailsItsTransferOnly() throws Exception {
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("loopback://throwing", Kv.receiving(Kv.SMALL));
                DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            Destination bad = new Destination(SPEC);
            Destination good = new Destination(SPEC);
            KvSink throwing =
                    (layer, block, bytes) -> {
                        throw new IllegalStateException("the pool is gone");
                    };
            receiver.expect(Kv.id(1, 1), SPEC, throwing, bad);
            receiver.expect(Kv.id(2, 1), SPEC, good, good);
            var toBad = senders.open(receiver.url(), Kv.id(1, 1), SPEC, lost::add);
            var toGood = senders.open(receiver.url(), Kv.id(2, 1), SPEC, lost::add);
            Kv.sendAll(toBad, SPEC, 1, TRAILER);
            Kv.sendAll(toGood, SPEC, 2, TRAILER);
            assertTrue(bad.awaitEnd());
            assertTrue(good.awaitEnd());
            assertEquals(ErrorCode.INTERNAL, bad.reason.code());
            assertTrue(good.holds(2));
            toBad.close();
            toGood.close();
        }
    }

    @Test
    void aThrowingListenerHurtsNobodyElse() throws Exception {
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("loopback://listener", Kv.receiving(Kv.SMALL));
                DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL))) {
            CountDownLatch told = new CountDownLatch(1);
            Destination good = new Destination(SPEC);
            InboundListener throwing =
                    new InboundListener() {
                        @Override
                        public void onComplete(byte[] trailer, TransferStats stats) {
                            throw new IllegalStateException("not expected");
                        }

                        @Override
                        public void onFailed(BatonException reason) {
                            told.countDown();
                            throw new IllegalStateException("a bug in the role");
                        }
                    };
            receiver.expect(Kv.id(1, 1), SPEC, (layer, block, bytes) -> {}, throwing);
            receiver.expect(Kv.id(2, 1), SPEC, good, good);
            var toGood = senders.open(receiver.url(), Kv.id(2, 1), SPEC, lost::add);
            senders.open(receiver.url(), Kv.id(1, 1), SPEC, lost::add).close();
            assertTrue(told.await(20, TimeUnit.SECONDS));
            assertEquals(SendResult.OK, Kv.sendAll(toGood, SPEC, 2, TRAILER));
            assertTrue(good.awaitEnd());
            assertTrue(good.holds(2));
            toGood.close();
        }
    }

    @Test
    void aChunkThatCanNeverFitTheQueueIsAConfigurationError() {
        ChannelOptions channel = Kv.sending(Kv.LARGE).channel();
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen("loopback://tight", Kv.receiving(Kv.LARGE));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(
                                Kv.sending(Kv.LARGE)
                                        .withChannel(
                                                channel.withBounds(
                                                        channel.bounds()
                                                                .withQueueBytes(1 << 20))))) {
            assertEquals(
                    ErrorCode.CONFIGURATION,
                    assertThrows(
                                    BatonException.class,
                                    () ->
                                            senders.open(
                                                    receiver.url(),
                                                    Kv.id(1, 1),
                                                    Kv.spec(Kv.LARGE, 0, 256),
                                                    lost::add))
                            .code());
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
        assertTrue(completed.get() > 300 && failed.get() > 200, completed + " and " + failed);
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

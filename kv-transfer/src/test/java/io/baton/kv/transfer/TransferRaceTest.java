package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.SendResult;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.Kv;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Several at work on transfers at once: races, slow receivers, and owners with bugs. */
final class TransferRaceTest {
    private static final byte[] TRAILER = "token 0".getBytes(StandardCharsets.UTF_8);
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 160);

    private final BlockingQueue<BatonException> lost = new ArrayBlockingQueue<>(64);

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
                // In some rounds the order is given, so that both happen on any machine.
                boolean closesFirst = i % 50 == 1;
                boolean sendsFirst = i % 50 == 2;
                int spins = random.nextInt(20_000);
                Thread closer =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            meet(start);
                                            if (sendsFirst) {
                                                to.awaitEndUnchecked();
                                            }
                                            for (int s = 0; s < spins; s++) {
                                                Thread.onSpinWait();
                                            }
                                            in.close();
                                            to.closed = true;
                                        });
                meet(start);
                if (closesFirst) {
                    assertTrue(closer.join(Kv.LIMIT));
                }
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
            Kv.awaitNone(receiver::liveTransfers);
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
}

package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.SendResult;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.FaultProxy;
import io.baton.kv.testkit.FaultProxy.Fault;
import io.baton.kv.testkit.Kv;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What transfers notice by the clock, and what without it. The clock is virtual. */
final class TransferClockTest {
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 160);

    private final BlockingQueue<BatonException> lost = new ArrayBlockingQueue<>(64);

    /** Time stands still, so it is the socket's end that is told, and no deadline. */
    @Test
    void aClosedSocketIsToldWithoutWaitingForADeadline() throws Exception {
        VirtualTime time = new VirtualTime();
        Destination to = new Destination(SPEC);
        try (DefaultKvReceiver receiver = receiver(time);
                DefaultKvSenders senders = senders(time)) {
            receiver.expect(Kv.id(1, 1), SPEC, to, to);
            FaultProxy proxy = new FaultProxy(receiver.url(), new Fault.None());
            var out = senders.open(proxy.url(), Kv.id(1, 1), SPEC, lost::add);
            out.offer(0, 0, Kv.bytes(SPEC, 1, 0, 0, 4));
            while (to.placements.get() == 0) {
                Thread.onSpinWait();
            }
            proxy.close();
            assertTrue(to.awaitEnd(), "the receiver hears of it");
            assertNotNull(lost.poll(20, TimeUnit.SECONDS), "the sender hears of it");
            assertEquals(SendResult.CLOSED, out.offer(1, 0, Kv.bytes(SPEC, 1, 1, 0, 4)));
            out.close();
        }
        assertEquals(1, to.failures.get());
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
            long limit = System.nanoTime() + Kv.LIMIT.toNanos();
            while (to.failures.get() == 0) {
                assertTrue(System.nanoTime() < limit, "silence ends it");
                time.advance(TimeUnit.MILLISECONDS.toNanos(25));
                to.awaitEndMillis(40);
            }
            long silent = time.nanos() - silentFrom;
            assertTrue(silent >= TimeUnit.MILLISECONDS.toNanos(1900), "not before its time");
            assertTrue(to.reason.text().contains("no frame came"), to.reason.text());
            assertEquals(1, receiver.counters().snapshot().stalls());
            assertEquals(0, lost.size(), "the sender allows more");
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
        TransferOptions.Times usual = TransferOptions.Times.DEFAULT;
        return DefaultKvSenders.of(
                TransferOptions.of(Kv.hello("p", 5, Kv.SMALL), ClusterToken.none(), time)
                        .withTimes(
                                new TransferOptions.Times(
                                        usual.keepAliveNanos(),
                                        usual.stallNanos(),
                                        Duration.ofMinutes(10).toNanos(),
                                        Duration.ofMinutes(20).toNanos())));
    }
}

package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.kv.KvCoding;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.Codecs;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfiles;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.Kv;
import io.baton.kv.transfer.KvSenders.Delivery;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ways of a link, marks, and what is known from them, over real channels. */
@Timeout(60)
class AdaptiveTransferTest {
    private static TransferOptions adaptive(TransferOptions options, KvCoding favourite) {
        KvProfiles known = KvProfiles.inMemory();
        return options.withChannel(options.channel().withCodecs(Codecs.favouring(favourite, known)))
                .withCoding(new SendCoding(known, KvCodec.Setting.PLAIN, true));
    }

    /** Hears of arrivals. */
    private static final class Arriving implements KvSenders.OutboundListener {
        final Semaphore arrivals = new Semaphore(0);

        @Override
        public void onLost(BatonException reason) {
            throw new AssertionError(reason);
        }

        @Override
        public void onArrived() {
            arrivals.release();
        }
    }

    @Test
    void eachChunkMayGoAnotherWayAndMarksTellWhatHasArrived() throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 128);
        Destination there = new Destination(spec);
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "tcp://127.0.0.1:0",
                                adaptive(Kv.receiving(Kv.SMALL), KvCoding.RAW));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(adaptive(Kv.sending(Kv.SMALL), KvCoding.LOSSLESS))) {
            receiver.expect(Kv.id(1, 1), spec, there, there);
            Arriving arriving = new Arriving();
            try (OutboundTransfer out = senders.open(receiver.url(), Kv.id(1, 1), spec, arriving)) {
                assertEquals(List.of("raw", "lossless"), out.ways(), "exact: no other");
                assertTrue(out.policy(0, 0).isPresent());
                for (int chunk = 0; chunk < 2; chunk++) {
                    for (int layer = 0; layer < 3; layer++) {
                        assertEquals(
                                SendResult.OK,
                                out.offer(
                                        chunk,
                                        layer,
                                        4 * chunk,
                                        Kv.bytes(spec, 1, layer, 4 * chunk, 4)));
                    }
                    Delivery sent = out.delivery();
                    assertEquals((chunk + 1) * 4L * Kv.SMALL.blockBytes(), sent.sentRawBytes());
                    assertEquals(SendResult.OK, out.mark());
                    while (out.delivery().arrivedBytes() < sent.sentBytes()) {
                        assertTrue(arriving.arrivals.tryAcquire(20, TimeUnit.SECONDS));
                    }
                    assertEquals(0, out.delivery().waitedNanos());
                    assertEquals(sent.sentRawBytes(), out.delivery().arrivedRawBytes());
                }
                assertEquals(SendResult.OK, out.finish(new byte[] {1}));
                assertTrue(there.awaitEnd());
            }
            assertTrue(there.holds(1));
            assertTrue(receiver.decodeBytesPerSecond() > 0, "lossless parts were decoded");
        }
    }

    @Test
    void nothingIsCodedThatStaysOnTheMachine() {
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "loopback://adaptive-local",
                                adaptive(Kv.receiving(Kv.SMALL), KvCoding.RAW));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(adaptive(Kv.sending(Kv.SMALL), KvCoding.LOSSLESS))) {
            try (OutboundTransfer out =
                    senders.open(
                            receiver.url(), Kv.id(1, 1), Kv.spec(Kv.SMALL, 0, 64), reason -> {})) {
                assertEquals(List.of("raw"), out.ways());
                assertFalse(out.policy(0, 0).isPresent());
            }
        }
    }
}

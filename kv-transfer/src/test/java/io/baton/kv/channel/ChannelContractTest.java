package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ChannelOptions.Bounds;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.testkit.Kv;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What every channel promises; one subclass per provider. */
abstract class ChannelContractTest {
    private static final BatonException DONE =
            new BatonException(ErrorCode.KV_TRANSFER_FAILED, "done");

    private final Frames receiving = new Frames();
    private final Frames sending = new Frames();
    private KvChannelProvider.Listener listener;
    private KvChannelProvider.Connector connector;

    /** A URL to listen on; the same answer may come twice if the port or name is free again. */
    abstract URI url();

    @BeforeEach
    void open() {
        listener = provider().listen(url(), options("decoder", ""), receiving);
        connector = sendingProvider().connector(options("prefiller", ""), sending);
    }

    @AfterEach
    void close() {
        receiving.permits.release(1_000_000);
        connector.close();
        listener.close();
        requireNothingLeft();
    }

    /** The provider under test; a subclass may set it up in another way. */
    KvChannelProvider provider() {
        return KvChannelProvider.of(url());
    }

    /** The provider of the side that connects, where the two must differ. */
    KvChannelProvider sendingProvider() {
        return provider();
    }

    /** Both ends are closed: whatever a subclass counts must be zero. */
    void requireNothingLeft() {}

    /** Options of the ends; a subclass may add to them. */
    ChannelOptions options(String worker, String token) {
        return plain(Kv.hello(worker, 77, Kv.SMALL), ClusterToken.of(token));
    }

    private static ChannelOptions plain(Hello hello, ClusterToken token) {
        return ChannelOptions.of(hello, token, Ticker.system())
                .withBounds(Bounds.DEFAULT.withQueueBytes(256 << 10));
    }

    @Test
    void framesArriveWholeAndInOrder() throws Exception {
        KvChannel channel = connector.connect(listener.url());
        assertEquals("decoder", channel.peer().hello().workerId());
        assertEquals(
                "prefiller", receiving.opened.poll(20, TimeUnit.SECONDS).peer().hello().workerId());
        for (int i = 0; i < 500; i++) {
            byte[] payload = new byte[(i * 131) % 60_000];
            java.util.Arrays.fill(payload, (byte) i);
            var frame = Frames.end(payload);
            while (channel.offer(frame) == SendResult.BACK_PRESSURED) {
                assertTrue(channel.await(frame.bytes(), Kv.LIMIT.toNanos()));
            }
        }
        for (int i = 0; i < 500; i++) {
            byte[] payload = receiving.payloads.poll(20, TimeUnit.SECONDS);
            assertNotNull(payload, "frame " + i);
            assertEquals((i * 131) % 60_000, payload.length);
            for (byte b : payload) {
                assertEquals((byte) i, b);
            }
        }
    }

    @Test
    void aSlowReceiverIsBackPressureAndThenGoesOn() throws Exception {
        receiving.permits.drainPermits();
        KvChannel channel = connector.connect(listener.url());
        byte[] payload = new byte[60_000];
        int taken = 0;
        do {
            while (channel.offer(Frames.end(payload)) == SendResult.OK) {
                taken++;
                assertTrue(taken < 2000, "the queue is bounded");
            }
        } while (channel.await(payload.length + 88, 100_000_000));
        assertTrue(receiving.blocked.await(20, TimeUnit.SECONDS));
        assertEquals(SendResult.BACK_PRESSURED, channel.offer(Frames.end(payload)));
        assertEquals(
                SendResult.OK,
                channel.offerControl(Frames.end(new byte[100])),
                "control frames have room of their own");
        receiving.permits.release(1_000_000);
        assertTrue(channel.await(payload.length + 88, Kv.LIMIT.toNanos()));
        assertEquals(SendResult.OK, channel.offer(Frames.end(payload)));
        for (int i = 0; i < taken + 2; i++) {
            assertNotNull(receiving.payloads.poll(20, TimeUnit.SECONDS), "frame " + i);
        }
    }

    /** Whoever finds the channel full is woken when it is not, however wake-ups and waits meet. */
    @Test
    void sendersThatWaitAreAllWoken() throws Exception {
        int senders = 4;
        int frames = 300;
        KvChannel channel = connector.connect(listener.url());
        try (ExecutorService threads = Executors.newFixedThreadPool(senders)) {
            for (int i = 0; i < senders; i++) {
                threads.submit(
                        () -> {
                            var frame = Frames.end(new byte[60_000]);
                            for (int n = 0; n < frames; n++) {
                                SendResult result = channel.offer(frame);
                                while (result == SendResult.BACK_PRESSURED) {
                                    channel.await(frame.bytes(), Kv.LIMIT.toNanos());
                                    result = channel.offer(frame);
                                }
                                frame = Frames.end(new byte[60_000]);
                            }
                            return null;
                        });
            }
            for (int n = 0; n < senders * frames; n++) {
                assertNotNull(receiving.payloads.poll(20, TimeUnit.SECONDS), "frame " + n);
            }
        }
    }

    @Test
    void framesLongerThanTheQueueAreAMistakeOfTheCaller() throws Exception {
        KvChannel channel = connector.connect(listener.url());
        var batch = new FrameBatch(8);
        for (int i = 0; i < 8; i++) {
            batch.begin(io.baton.kv.frame.FrameType.END);
            batch.end(java.nio.ByteBuffer.allocate(60_000));
        }
        assertThrows(IllegalArgumentException.class, () -> channel.offer(batch));
    }

    @Test
    void orderlyCloseSendsWhatWaits() throws Exception {
        KvChannel channel = connector.connect(listener.url());
        int taken = 0;
        while (taken < 100 && channel.offer(Frames.end(new byte[50_000])) == SendResult.OK) {
            taken++;
        }
        channel.close(DONE);
        assertEquals(SendResult.CLOSED, channel.offer(Frames.end(new byte[1])));
        assertEquals("done", sending.closed.poll(20, TimeUnit.SECONDS).text());
        assertNotNull(receiving.closed.poll(20, TimeUnit.SECONDS));
        assertEquals(taken, receiving.payloads.size());
        assertTrue(channel.await(1, 1), "nobody waits for a closed channel");
    }

    @Test
    void bothEndsHearOfAClosedListener() throws Exception {
        connector.connect(listener.url());
        assertNotNull(receiving.opened.poll(20, TimeUnit.SECONDS));
        listener.close();
        assertNotNull(sending.closed.poll(20, TimeUnit.SECONDS));
        assertEquals(ErrorCode.DRAINING, receiving.closed.poll(20, TimeUnit.SECONDS).code());
        assertEquals(
                ErrorCode.KV_TRANSFER_FAILED,
                assertThrows(BatonException.class, () -> connector.connect(listener.url())).code());
    }

    @Test
    void aHandlerThatThrowsLosesItsChannelOnly() throws Exception {
        KvChannel channel = connector.connect(listener.url());
        KvChannel other = connector.connect(listener.url());
        receiving.throwing = true;
        assertEquals(SendResult.OK, channel.offer(Frames.end(new byte[1])));
        assertNotNull(sending.closed.poll(20, TimeUnit.SECONDS));
        assertEquals(ErrorCode.INTERNAL, receiving.closed.poll(20, TimeUnit.SECONDS).code());
        assertEquals(SendResult.CLOSED, channel.offer(Frames.end(new byte[1])));
        assertEquals(SendResult.OK, other.offer(Frames.end(new byte[] {7})));
        assertArrayEquals(new byte[] {7}, receiving.payloads.poll(20, TimeUnit.SECONDS));
    }

    @Test
    void refusesAnotherModelWithTheDifference() {
        Hello other = new Hello("prefiller", 1, "model-2", Kv.SMALL, 64, 1, "reference", "exact");
        try (var strange =
                sendingProvider()
                        .connector(options("prefiller", "").withHello(other), new Frames())) {
            BatonException refusal =
                    assertThrows(BatonException.class, () -> strange.connect(listener.url()));
            assertEquals(ErrorCode.HANDSHAKE_MISMATCH, refusal.code());
            assertTrue(
                    refusal.text().contains("model fingerprint: ours model-1, theirs model-2"),
                    refusal.text());
        }
    }

    @Test
    void refusesAnotherToken() {
        try (var strange =
                sendingProvider()
                        .connector(options("prefiller", "another-token-for-tests"), new Frames())) {
            BatonException refusal =
                    assertThrows(BatonException.class, () -> strange.connect(listener.url()));
            assertEquals(ErrorCode.HANDSHAKE_MISMATCH, refusal.code());
            assertTrue(refusal.text().contains("cluster token"), refusal.text());
        }
        assertTrue(receiving.opened.isEmpty());
    }

    @Test
    void openChannelsAreBounded() throws Exception {
        listener.close();
        Bounds one =
                new Bounds(
                        64 << 10,
                        1,
                        0,
                        Duration.ofSeconds(3).toNanos(),
                        Duration.ofSeconds(2).toNanos(),
                        0,
                        Duration.ofMillis(10).toNanos());
        try (var bounded =
                provider().listen(url(), options("decoder", "").withBounds(one), new Frames())) {
            connector.connect(bounded.url());
            assertEquals(
                    ErrorCode.KV_TRANSFER_FAILED,
                    assertThrows(BatonException.class, () -> connector.connect(bounded.url()))
                            .code());
        }
    }

    /** A peer that is killed says nothing: its end is noticed, by no deadline of ours. */
    @Test
    void aPeerThatIsGoneIsNoticedWhileTheClockStands() throws Exception {
        Frames heard = new Frames();
        ChannelOptions usual = options("prefiller", "");
        ChannelOptions still =
                new ChannelOptions(
                        usual.hello(),
                        usual.token(),
                        usual.codecs(),
                        usual.bounds(),
                        new VirtualTime(),
                        usual.nonces(),
                        usual.tls());
        try (var connecting = sendingProvider().connector(still, heard)) {
            KvChannel channel = connecting.connect(listener.url());
            FramedChannel theirs = (FramedChannel) receiving.opened.poll(20, TimeUnit.SECONDS);
            assertNotNull(theirs);
            theirs.abort(new BatonException(ErrorCode.INTERNAL, "killed"));
            assertEquals(
                    ErrorCode.KV_TRANSFER_FAILED, heard.closed.poll(20, TimeUnit.SECONDS).code());
            assertEquals(SendResult.CLOSED, channel.offer(Frames.end(new byte[1])));
        }
    }

    /**
     * What was whole arrives whole and in order or not at all; the next channel is a new one.
     * Often: the end may meet any step of what is under way.
     */
    @RepeatedTest(20)
    void aSenderThatGivesUpInTheMiddleOfAFrameLosesThatChannelOnly() throws Exception {
        receiving.permits.drainPermits();
        FramedChannel channel = (FramedChannel) connector.connect(listener.url());
        int taken = 0;
        while (channel.offer(numbered(taken)) == SendResult.OK) {
            taken++;
        }
        channel.abort(DONE);
        receiving.permits.release(1_000_000);
        assertNotNull(receiving.closed.poll(20, TimeUnit.SECONDS));
        assertTrue(receiving.invalid.isEmpty(), "half a frame is no wrong frame");
        int number = 0;
        for (byte[] payload : receiving.payloads) {
            assertArrayEquals(payload(number++), payload);
        }
        assertTrue(number <= taken);
        receiving.payloads.clear();
        assertEquals(SendResult.OK, connector.connect(listener.url()).offer(numbered(7)));
        assertArrayEquals(payload(7), receiving.payloads.poll(20, TimeUnit.SECONDS));
    }

    private static FrameBatch numbered(int number) {
        return Frames.end(payload(number));
    }

    private static byte[] payload(int number) {
        byte[] payload = new byte[50_021];
        java.util.Arrays.fill(payload, (byte) number);
        return payload;
    }

    /** How many channels come and go; fewer where each is dear. */
    int openings() {
        return 500;
    }

    @Test
    void channelsThatCameAndWentLeaveNothing() throws Exception {
        int warm = openings() / 5;
        int before = 0;
        for (int i = 0; i < openings(); i++) {
            KvChannel channel = connector.connect(listener.url());
            assertEquals(SendResult.OK, channel.offer(Frames.end(new byte[5_000])));
            channel.close(DONE);
            assertNotNull(sending.closed.poll(20, TimeUnit.SECONDS));
            assertNotNull(receiving.closed.poll(20, TimeUnit.SECONDS));
            if (i == warm) {
                before = held();
            }
        }
        assertEquals(openings(), receiving.payloads.size());
        // A few may be on their way out, here and in the virtual machine.
        int most = before + 30;
        Kv.awaitNone(() -> Math.max(0, held() - most));
    }

    /** Descriptors, threads, and files mapped for channels. */
    private static int held() {
        String[] descriptors = new File("/proc/self/fd").list();
        String[] threads = new File("/proc/self/task").list();
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return (descriptors == null ? 0 : descriptors.length)
                    + (threads == null ? 0 : threads.length)
                    + (int) maps.filter(line -> line.contains("baton-kv-")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void ticksComeWithoutTraffic() throws Exception {
        long end = System.nanoTime() + Kv.LIMIT.toNanos();
        while (sending.ticks.get() < 3 || receiving.ticks.get() < 3) {
            assertTrue(System.nanoTime() < end);
            Thread.onSpinWait();
        }
    }
}

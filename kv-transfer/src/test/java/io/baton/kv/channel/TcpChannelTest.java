package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.frame.FrameError;
import io.baton.kv.testkit.Kv;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** The contract over sockets, and what only sockets have. */
final class TcpChannelTest extends ChannelContractTest {
    private static final URI ANY_PORT = URI.create("tcp://127.0.0.1:0");

    private static ChannelOptions options(Ticker ticker) {
        return ChannelOptions.of(Kv.hello("w", 77, Kv.SMALL), ClusterToken.none(), ticker);
    }

    @Override
    URI url() {
        return ANY_PORT;
    }

    @Test
    void aListenerMayCloseBeforeItsLoopHasSeenIt() {
        Queue<LogRecord> severe = new ConcurrentLinkedQueue<>();
        Handler collects =
                new Handler() {
                    @Override
                    public void publish(LogRecord entry) {
                        if (entry.getLevel().intValue() >= Level.SEVERE.intValue()) {
                            severe.add(entry);
                        }
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        Logger log = Logger.getLogger(NioLoop.class.getName());
        log.addHandler(collects);
        try {
            for (int i = 0; i < 50; i++) {
                new TcpChannelProvider()
                        .listen(ANY_PORT, options(Ticker.system()), new Frames())
                        .close();
            }
        } finally {
            log.removeHandler(collects);
        }
        assertTrue(severe.isEmpty(), "the loop ends in order");
    }

    @Test
    void listensOnLoopbackOnlyWithoutAToken() {
        BatonException refusal =
                assertThrows(
                        BatonException.class,
                        () ->
                                new TcpChannelProvider()
                                        .listen(
                                                URI.create("tcp://0.0.0.0:0"),
                                                options(Ticker.system()),
                                                new Frames()));
        assertEquals(ErrorCode.CONFIGURATION, refusal.code());
        assertTrue(refusal.text().contains("cluster token"));
        ChannelOptions withToken =
                ChannelOptions.of(
                        Kv.hello("w", 77, Kv.SMALL),
                        ClusterToken.of("a-token-for-tests"),
                        Ticker.system());
        new TcpChannelProvider()
                .listen(URI.create("tcp://0.0.0.0:0"), withToken, new Frames())
                .close();
    }

    @Test
    void namesWhatIsWrongWithAnAddress() {
        for (String url : new String[] {"tcp://127.0.0.1", "tcp:nothing", "tcp://:1"}) {
            assertEquals(
                    ErrorCode.CONFIGURATION,
                    assertThrows(
                                    BatonException.class,
                                    () ->
                                            new TcpChannelProvider()
                                                    .listen(
                                                            URI.create(url),
                                                            options(Ticker.system()),
                                                            new Frames()))
                            .code(),
                    url);
        }
        assertTrue(
                assertThrows(
                                BatonException.class,
                                () -> KvChannelProvider.of(URI.create("rdma://x")))
                        .text()
                        .matches("(?s).*known schemes: .*loopback.*tcp.*ucx.*"));
    }

    @Test
    void aStrangerIsCutOffAtItsFirstWrongByte() throws Exception {
        Frames handler = new Frames();
        try (var listener =
                        new TcpChannelProvider()
                                .listen(ANY_PORT, options(Ticker.system()), handler);
                Socket stranger = new Socket("127.0.0.1", listener.url().getPort())) {
            stranger.getOutputStream().write("GET / HTTP/1.1\r\n".repeat(10).getBytes());
            InputStream in = stranger.getInputStream();
            stranger.setSoTimeout(20_000);
            in.readAllBytes();
            assertEquals(FrameError.BAD_MAGIC, handler.invalid.poll(20, TimeUnit.SECONDS));
            assertTrue(handler.opened.isEmpty() && handler.closed.isEmpty());
        } catch (java.net.SocketException reset) {
            assertEquals(FrameError.BAD_MAGIC, handler.invalid.poll(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void aSilentStrangerIsCutOffAfterTheHandshakeTime() throws Exception {
        VirtualTime time = new VirtualTime();
        Frames handler = new Frames();
        try (var listener = new TcpChannelProvider().listen(ANY_PORT, options(time), handler);
                Socket stranger = new Socket("127.0.0.1", listener.url().getPort())) {
            CompletableFuture<Integer> end =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return stranger.getInputStream().read();
                                } catch (java.io.IOException e) {
                                    return -1;
                                }
                            });
            awaitTicks(handler, time, 100, 25_000_000L);
            assertTrue(!end.isDone(), "2.5 s are within the limit of 3 s");
            awaitTicks(handler, time, 25, 25_000_000L);
            assertEquals(-1, end.get(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void aListenerThatNeverAnswersCostsTheHandshakeTimeOnly() throws Exception {
        VirtualTime time = new VirtualTime();
        Frames handler = new Frames();
        try (ServerSocket mute = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                var connector = new TcpChannelProvider().connector(options(time), handler)) {
            URI url = URI.create("tcp://127.0.0.1:" + mute.getLocalPort());
            CompletableFuture<KvChannel> opening =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return connector.connect(url);
                                } catch (InterruptedException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            mute.accept();
            awaitTicks(handler, time, 130, 25_000_000L);
            ExecutionException failure =
                    assertThrows(ExecutionException.class, () -> opening.get(20, TimeUnit.SECONDS));
            BatonException reason = assertInstanceOf(BatonException.class, failure.getCause());
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, reason.code());
        }
    }

    @Test
    void aPeerThatTakesNothingIsGivenUp() throws Exception {
        VirtualTime time = new VirtualTime();
        Frames stuck = new Frames();
        Frames handler = new Frames();
        try (var listener = new TcpChannelProvider().listen(ANY_PORT, options(time), stuck);
                var connector = new TcpChannelProvider().connector(options(time), handler)) {
            KvChannel channel = connector.connect(listener.url());
            stuck.permits.drainPermits();
            while (channel.offer(Frames.end(new byte[60_000])) == SendResult.OK) {
                Thread.onSpinWait();
            }
            assertTrue(stuck.blocked.await(20, TimeUnit.SECONDS));
            awaitTicks(handler, time, 60, 25_000_000L);
            assertTrue(handler.closed.isEmpty(), "1.5 s are within the limit of 1.9 s");
            // The system may have taken some bytes since: the limit counts from the last of them.
            long limit = System.nanoTime() + Kv.LIMIT.toNanos();
            while (handler.closed.isEmpty()) {
                assertTrue(System.nanoTime() < limit, "the peer is given up");
                awaitTicks(handler, time, 1, 25_000_000L);
            }
            BatonException reason = handler.closed.poll(20, TimeUnit.SECONDS);
            assertTrue(reason.text().contains("write stall"), reason.text());
            assertEquals(SendResult.CLOSED, channel.offer(Frames.end(new byte[1])));
            stuck.permits.release(1_000_000);
        }
    }

    /** Moves the clock tick by tick, each seen by the loop. */
    private static void awaitTicks(Frames handler, VirtualTime time, int count, long stepNanos) {
        for (int i = 0; i < count; i++) {
            long limit = System.nanoTime() + Kv.LIMIT.toNanos();
            int before = handler.ticks.get();
            time.advance(stepNanos);
            while (handler.ticks.get() == before) {
                assertTrue(System.nanoTime() < limit, "the loop ticks");
                Thread.onSpinWait();
            }
        }
    }
}

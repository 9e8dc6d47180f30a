package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ucx.UcxChannelProvider;
import io.baton.kv.testkit.Kv;
import io.baton.kv.testkit.UcxHere;
import java.io.BufferedReader;
import java.io.File;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Processes that end without a word. */
@UcxHere
final class UcxPeerDeathTest {
    private static ChannelOptions options(String worker) {
        return ChannelOptions.of(
                Kv.hello(worker, 77, Kv.SMALL), ClusterToken.none(), Ticker.system());
    }

    /** A receiver of its own process: says where it listens, and takes frames until killed. */
    static final class Receiver {
        private Receiver() {}

        public static void main(String[] args) throws Exception {
            Frames frames = new Frames();
            var listener =
                    new UcxChannelProvider()
                            .listen(URI.create("ucx://127.0.0.1:0"), options("decoder"), frames);
            System.out.println("listening " + listener.url());
            System.out.flush();
            while (System.in.read() >= 0) {
                // Until the test has gone.
            }
        }
    }

    @Test
    void aKilledReceiverIsNoticedWhileBytesMove() throws Exception {
        Process child =
                new ProcessBuilder(
                                List.of(
                                        System.getProperty("java.home")
                                                + File.separator
                                                + "bin"
                                                + File.separator
                                                + "java",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-XX:TieredStopAtLevel=1",
                                        "-cp",
                                        System.getProperty("java.class.path"),
                                        Receiver.class.getName()))
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        Frames sending = new Frames();
        try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8);
                var connector = new UcxChannelProvider().connector(options("p"), sending)) {
            String line = said.readLine();
            while (line != null && !line.startsWith("listening ")) {
                line = said.readLine();
            }
            assertNotNull(line);
            KvChannel channel = connector.connect(URI.create(line.substring(10)));
            for (int i = 0; i < 200; i++) {
                var frame = Frames.end(new byte[60_000]);
                while (channel.offer(frame) == SendResult.BACK_PRESSURED) {
                    assertTrue(channel.await(frame.bytes(), Kv.LIMIT.toNanos()));
                }
            }
            child.destroyForcibly();
            var reason = sending.closed.poll(20, TimeUnit.SECONDS);
            assertNotNull(reason, "the death of the peer was not noticed");
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, reason.code());
        } finally {
            child.destroyForcibly().waitFor();
        }
    }
}

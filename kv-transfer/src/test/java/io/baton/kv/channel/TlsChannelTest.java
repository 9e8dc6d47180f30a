package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ChannelOptions.Bounds;
import io.baton.kv.testkit.Kv;
import io.baton.kv.testkit.TestCertificates;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract over TCP with TLS, and who is kept out by it. */
final class TlsChannelTest extends ChannelContractTest {
    private static final Duration DAY = Duration.ofDays(1);

    @TempDir private static Path folder;
    private static TestCertificates authority;
    private static ChannelTls ours;

    @BeforeAll
    static void makeCertificates() throws IOException {
        authority = new TestCertificates("cluster");
        ours = tls(authority, "worker", DAY);
    }

    private static ChannelTls tls(TestCertificates by, String name, Duration left)
            throws IOException {
        var files = by.worker(folder.resolve(name), name, left);
        return ChannelTls.of(files.certificate(), files.key(), files.authority());
    }

    /** Each with a TLS handshake. */
    @Override
    int openings() {
        return 100;
    }

    @Override
    URI url() {
        return URI.create("tcp://127.0.0.1:0");
    }

    /** A handshake of TLS takes its time on a busy machine. */
    @Override
    ChannelOptions options(String worker, String token) {
        return patient(super.options(worker, token)).withTls(ours);
    }

    private static ChannelOptions patient(ChannelOptions options) {
        Bounds usual = options.bounds();
        return options.withBounds(
                new Bounds(
                        usual.queueBytes(),
                        usual.maxChannels(),
                        usual.socketBufferBytes(),
                        Kv.LIMIT.toNanos(),
                        Kv.LIMIT.toNanos(),
                        usual.lingerNanos(),
                        usual.tickNanos()));
    }

    private BatonException refusal(ChannelOptions from, ChannelOptions to) {
        try (var listener = provider().listen(url(), to, new Frames());
                var connector = provider().connector(from, new Frames())) {
            BatonException refusal =
                    assertThrows(BatonException.class, () -> connector.connect(listener.url()));
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, refusal.code());
            return refusal;
        }
    }

    @Test
    void refusesACertificateOfAnotherAuthority() throws Exception {
        ChannelTls strange = tls(new TestCertificates("others"), "stranger", DAY);
        ChannelOptions good = options("decoder", "");
        assertTrue(
                refusal(good.withTls(strange), good).text().contains("kv.tls"),
                "the sender does not trust the receiver");
    }

    @Test
    void refusesAStrangerThatTrustsUs() throws Exception {
        var strange = new TestCertificates("others").worker(folder.resolve("sly"), "sly", DAY);
        var trusted = authority.worker(folder.resolve("trusted"), "trusted", DAY);
        ChannelTls sly = ChannelTls.of(strange.certificate(), strange.key(), trusted.authority());
        ChannelOptions good = options("decoder", "");
        refusal(good.withTls(sly), good);
    }

    @Test
    void refusesWhatHasExpired() throws Exception {
        ChannelTls old = tls(authority, "old", Duration.ofMinutes(-1));
        ChannelOptions good = options("decoder", "");
        refusal(good.withTls(old), good);
        BatonException refusal = refusal(good, good.withTls(old));
        assertTrue(refusal.text().contains("TLS"), refusal.text());
    }

    @Test
    void refusesPlainPeers() {
        ChannelOptions good = options("decoder", "");
        ChannelOptions plain = good.withTls(null);
        refusal(plain, good);
        refusal(good, plain);
    }

    @Test
    void largeFramesGoBothWaysAndNothingIsReadable() throws Exception {
        Frames receiving = new Frames();
        ChannelOptions large =
                options("decoder", "")
                        .withBounds(options("d", "").bounds().withQueueBytes(8 << 20));
        try (var listener = provider().listen(url(), large, receiving);
                var connector = provider().connector(large, new Frames())) {
            KvChannel channel = connector.connect(listener.url());
            for (int i = 0; i < 100; i++) {
                var frame = Frames.end(new byte[65_000]);
                while (channel.offer(frame) == SendResult.BACK_PRESSURED) {
                    assertTrue(channel.await(frame.bytes(), Kv.LIMIT.toNanos()));
                }
            }
            for (int i = 0; i < 100; i++) {
                assertNotNull(receiving.payloads.poll(20, TimeUnit.SECONDS));
            }
            KvChannel back = receiving.opened.poll(20, TimeUnit.SECONDS);
            assertEquals(SendResult.OK, back.offerControl(Frames.end(new byte[9])));
        }
    }

    @Test
    void withCertificatesAnyAddressMayBeListenedOn() {
        try (var listener =
                provider()
                        .listen(
                                URI.create("tcp://0.0.0.0:0"),
                                options("decoder", ""),
                                new Frames())) {
            assertTrue(listener.url().getPort() > 0);
        }
        assertEquals(
                "cluster.token",
                assertThrows(
                                BatonException.class,
                                () ->
                                        provider()
                                                .listen(
                                                        URI.create("tcp://0.0.0.0:0"),
                                                        options("decoder", "").withTls(null),
                                                        new Frames()))
                        .param());
    }

    @Test
    void filesThatAreNoneAreNamed() throws Exception {
        var good = authority.worker(folder.resolve("good"), "good", DAY);
        Path nothing = Files.writeString(folder.resolve("nothing.pem"), "nothing");
        Path missing = folder.resolve("missing.pem");
        for (Path bad : new Path[] {nothing, missing}) {
            for (int i = 0; i < 3; i++) {
                Path certificate = i == 0 ? bad : good.certificate();
                Path key = i == 1 ? bad : good.key();
                Path ca = i == 2 ? bad : good.authority();
                BatonException wrong =
                        assertThrows(
                                BatonException.class, () -> ChannelTls.of(certificate, key, ca));
                assertEquals(ErrorCode.CONFIGURATION, wrong.code());
                assertTrue(wrong.text().contains(bad.toString()), wrong.text());
            }
        }
    }
}

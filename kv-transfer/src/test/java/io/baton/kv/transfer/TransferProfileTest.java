package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.entropy.RansCoders;
import io.baton.kernels.kv.KvKernelsChoice;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.CacheGenCodec;
import io.baton.kv.codec.CacheGenStatistics;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import io.baton.kv.codec.PartShape;
import io.baton.kv.codec.RawCodec;
import io.baton.kv.testkit.Kv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Receivers that lack the profile of what will be sent get it from the sender. */
class TransferProfileTest {
    private static final KvProfile.Model MODEL = new KvProfile.Model("model-1", 3, 2, 8);

    private static MemorySegment kv(PartShape part) {
        SplittableRandom random = new SplittableRandom(part.firstToken());
        MemorySegment raw = Arena.ofAuto().allocate(part.rawBytes(), 8);
        for (long at = 0; at < raw.byteSize(); at += 2) {
            int bits = Float.floatToRawIntBits((float) random.nextGaussian());
            raw.set(ValueLayout.JAVA_SHORT, at, (short) (bits >> 16));
        }
        return raw;
    }

    /** With a section beside that makes it longer than one piece. */
    private static KvProfile profile(KvProfile.Model model) {
        CacheGenStatistics statistics = new CacheGenStatistics(model, KvKernelsChoice.fastest());
        PartShape part = new PartShape(Kv.SMALL, 0, 3, 64, 4);
        statistics.add(part, kv(part));
        byte[] long_ = new byte[3 << 20];
        new SplittableRandom(1).nextBytes(long_);
        return KvProfile.make(
                model,
                Map.of(
                        CacheGenStatistics.SECTION,
                        statistics.section(),
                        "other",
                        MemorySegment.ofArray(long_)));
    }

    private static TransferOptions tolerant(TransferOptions options, SendCoding use) {
        Hello exact = options.channel().hello();
        Hello hello =
                new Hello(
                        exact.workerId(),
                        exact.incarnation(),
                        exact.fingerprint(),
                        exact.layout(),
                        exact.chunkTokens(),
                        exact.keyFormat(),
                        exact.numericProfile(),
                        "tolerant");
        List<KvCodec> codecs =
                List.of(
                        new CacheGenCodec(
                                RansCoders.fastest(), KvKernelsChoice.fastest(), use.known()),
                        new RawCodec());
        return options.withChannel(options.channel().withHello(hello).withCodecs(codecs))
                .withCoding(use);
    }

    private static SendCoding using(KvProfile profile) {
        KvProfiles known = KvProfiles.inMemory();
        known.add(profile);
        return new SendCoding(known, new KvCodec.Setting(1, profile.id()), false);
    }

    private static DefaultKvReceiver receiver(String name, KvProfiles known) {
        SendCoding use = new SendCoding(known, KvCodec.Setting.PLAIN, false);
        return DefaultKvReceiver.listen(
                "loopback://" + name, tolerant(Kv.receiving(Kv.SMALL), use));
    }

    @Test
    void anUnknownProfileIsBroughtOnceAndKept(@TempDir Path folder) throws Exception {
        KvProfile profile = profile(MODEL);
        KvProfiles known = KvProfiles.in(folder);
        try (DefaultKvReceiver receiver = receiver("profile-kept", known)) {
            for (int round = 1; round <= 2; round++) {
                try (DefaultKvSenders senders =
                        DefaultKvSenders.of(tolerant(Kv.sending(Kv.SMALL), using(profile)))) {
                    assertTrue(sent(receiver, senders, round) > 0);
                }
                assertNotNull(known.known(profile.id()));
                try (var files = Files.list(folder)) {
                    assertEquals(1, files.count());
                }
            }
        }
        // A receiver that starts anew finds it in its folder.
        KvProfiles later = KvProfiles.in(folder);
        assertNull(later.known(profile.id()));
        try (DefaultKvReceiver receiver = receiver("profile-found", later);
                DefaultKvSenders senders =
                        DefaultKvSenders.of(tolerant(Kv.sending(Kv.SMALL), using(profile)))) {
            assertTrue(sent(receiver, senders, 9) > 0);
            assertNotNull(later.known(profile.id()));
        }
    }

    /** Sends a chunk of every layer; the parts that came. */
    private static int sent(DefaultKvReceiver receiver, DefaultKvSenders senders, int transfer)
            throws Exception {
        TransferSpec spec = Kv.spec(Kv.SMALL, 0, 64);
        AtomicInteger parts = new AtomicInteger();
        CompletableFuture<TransferStats> complete = new CompletableFuture<>();
        TransferId id = Kv.id(transfer, 1);
        receiver.expect(
                id,
                spec,
                (layer, block, raw) -> {
                    double error = 0;
                    MemorySegment sent = kv(new PartShape(Kv.SMALL, layer, 1, 0, 4));
                    for (long at = 0; at < raw.byteSize(); at += 2) {
                        error += Math.pow(value(raw, at) - value(sent, at), 2);
                    }
                    assertTrue(error > 0 && error < 0.01 * raw.byteSize() / 2, "error " + error);
                    parts.incrementAndGet();
                },
                new InboundListener() {
                    @Override
                    public void onComplete(byte[] trailer, TransferStats stats) {
                        complete.complete(stats);
                    }

                    @Override
                    public void onFailed(BatonException reason) {
                        complete.completeExceptionally(reason);
                    }
                });
        try (KvSenders.OutboundTransfer out =
                senders.open(receiver.url(), id, spec, complete::completeExceptionally)) {
            for (int layer = 0; layer < 3; layer++) {
                PartShape part = new PartShape(Kv.SMALL, layer, 1, 0, 4);
                assertEquals(SendResult.OK, out.offer(layer, 0, kv(part)));
            }
            assertEquals(SendResult.OK, out.finish(new byte[1]));
            complete.get(Kv.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        }
        return parts.get();
    }

    private static float value(MemorySegment raw, long at) {
        return Float.intBitsToFloat(raw.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
    }

    @Test
    void theProfileOfAnotherModelIsRefusedBeforeAnythingIsSent() {
        KvProfile other = profile(new KvProfile.Model("model-2", 3, 2, 8));
        KvProfiles known = KvProfiles.inMemory();
        try (DefaultKvReceiver receiver = receiver("profile-refused", known);
                DefaultKvSenders senders =
                        DefaultKvSenders.of(tolerant(Kv.sending(Kv.SMALL), using(other)))) {
            BatonException e =
                    assertThrows(
                            BatonException.class,
                            () ->
                                    senders.open(
                                            receiver.url(),
                                            Kv.id(1, 1),
                                            Kv.spec(Kv.SMALL, 0, 64),
                                            reason -> {}));
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, e.code());
            assertTrue(e.text().contains("another model"), e.text());
            assertNull(known.known(other.id()));
        }
    }

    @Test
    void aProfileThatTheSenderLacksIsNotUsed() {
        SendCoding use = new SendCoding(KvProfiles.inMemory(), new KvCodec.Setting(9, 77), false);
        KvCodec codec =
                new CacheGenCodec(RansCoders.fastest(), KvKernelsChoice.fastest(), use.known());
        assertEquals(new KvCodec.Setting(codec.maxLevel(), 0), use.settingFor(codec));
        assertEquals(KvCodec.Setting.PLAIN, use.settingFor(new RawCodec()));
    }
}

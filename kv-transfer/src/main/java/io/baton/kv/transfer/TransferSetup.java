package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KeyChain;
import io.baton.common.proto.KvFormat;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ProtoKv;
import io.baton.common.worker.WorkerOptions;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.ChannelTls;
import io.baton.kv.channel.Hello;
import io.baton.kv.codec.Codecs;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a worker's options become those of its KV channels, the same for both roles. */
public final class TransferSetup {
    private static final int MIN_QUEUE_BYTES = 64 << 10;
    private static final int MAX_QUEUE_BYTES = 1 << 30;

    private TransferSetup() {}

    /** What the worker says of itself on a channel: the same as its registration at a router. */
    public static Hello hello(
            WorkerOptions options, long incarnation, String fingerprint, KvFormat kv) {
        return new Hello(
                options.workerId(),
                incarnation,
                fingerprint,
                ProtoKv.layout(kv),
                kv.getChunkTokens(),
                KeyChain.FORMAT_VERSION,
                kv.getNumericProfile(),
                options.serving().sameness());
    }

    /** Where a receiver listens. */
    public static DefaultKvReceiver.Address address(WorkerOptions options) {
        WorkerOptions.Listen listen = options.listen();
        return new DefaultKvReceiver.Address(listen.kvHost(), listen.kvPort());
    }

    /** Codecs, bounds, deadlines and token of the worker's channels. */
    public static TransferOptions options(WorkerOptions options, Hello hello, Ticker ticker) {
        WorkerOptions.Limits limits = options.limits();
        String advertised = options.listen().advertisedHost();
        int queueBytes =
                (int) Math.clamp(limits.sendBufferBytes(), MIN_QUEUE_BYTES, MAX_QUEUE_BYTES);
        SendCoding coding = coding(options.serving().coding(), hello);
        return new TransferOptions(
                ChannelOptions.of(hello, options.membership().token(), ticker)
                        .withCodecs(
                                Codecs.favouring(options.serving().coding().kind(), coding.known()))
                        .withTls(tls(options))
                        .withBounds(ChannelOptions.Bounds.DEFAULT.withQueueBytes(queueBytes)),
                times(limits.stallNanos()),
                limits.maxAttempts(),
                advertised.isEmpty() ? null : advertised,
                coding,
                options.listen().kvLink(),
                limits.connections());
    }

    private static @Nullable ChannelTls tls(WorkerOptions options) {
        WorkerOptions.TlsFiles files = options.listen().kvTls();
        return files == null
                ? null
                : ChannelTls.of(files.certificate(), files.key(), files.authority());
    }

    /**
     * The profile of the worker's codec for its model: the file that is named, or one of the folder
     * that is named, if it has one.
     */
    private static SendCoding coding(WorkerOptions.Coding coding, Hello hello) {
        if (coding.profile().isEmpty()) {
            return new SendCoding(
                    KvProfiles.inMemory(),
                    new KvCodec.Setting(coding.level(), 0),
                    coding.adaptive());
        }
        Path path = coding.profile().get();
        KvProfile.Model model =
                new KvProfile.Model(
                        hello.fingerprint(),
                        hello.layout().layers(),
                        hello.layout().kvHeads(),
                        hello.layout().headDim());
        KvProfiles known = Files.isRegularFile(path) ? KvProfiles.inMemory() : KvProfiles.in(path);
        Optional<KvProfile> chosen = known.of(model, List.of(coding.kind().label()));
        if (Files.isRegularFile(path)) {
            KvProfile profile = read(path).require(model);
            requireSection(coding, profile, path);
            chosen = Optional.of(profile);
            known.add(profile);
        }
        long id = chosen.map(KvProfile::id).orElse(0L);
        return new SendCoding(known, new KvCodec.Setting(coding.level(), id), coding.adaptive());
    }

    /** Without it every transfer would fail, one by one. */
    private static void requireSection(WorkerOptions.Coding coding, KvProfile profile, Path file) {
        String label = coding.kind().label();
        if (coding.kind().needsProfile() && profile.section(label).isEmpty()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "%s has no section for kv.codec %s; make a profile with `baton kv profile`"
                            .formatted(file, label),
                    "kv.profile");
        }
    }

    private static KvProfile read(Path file) {
        try {
            return KvProfile.read(file);
        } catch (IOException | BatonException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "%s cannot be used as a KV profile: %s".formatted(file, e.getMessage()),
                    "kv.profile",
                    e);
        }
    }

    /**
     * Deadlines that keep the stall limit: a stall is found up to two ticks of the channel's clock
     * late, so the channel's own limit is a little shorter.
     */
    private static TransferOptions.Times times(long stallNanos) {
        TransferOptions.Times usual = TransferOptions.Times.DEFAULT;
        long own = stallNanos / 20 * 19;
        return new TransferOptions.Times(
                Math.min(usual.keepAliveNanos(), own / 4),
                own,
                Math.max(own, usual.silenceNanos()),
                usual.idleNanos());
    }
}

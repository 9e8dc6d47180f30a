package io.baton.common.worker;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.EngineSettings;
import io.baton.common.config.HttpSettings;
import io.baton.common.config.KvSettings;
import io.baton.common.config.ModelSettings;
import io.baton.common.config.RouteSettings;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvCoding;
import io.baton.common.kv.KvLink;
import io.baton.common.proto.Alive;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How a worker of any role serves, apart from its engine.
 *
 * @param workerId its name in the cluster, printable and unique
 * @param listen where it can be reached
 * @param membership whom it joins
 * @param serving what it serves
 * @param limits bounds on time and number
 */
public record WorkerOptions(
        String workerId, Listen listen, Membership membership, Serving serving, Limits limits) {

    /**
     * @param controlHost address of the gRPC server, loopback unless there is a cluster token
     * @param controlPort of the gRPC server; 0 for any free one
     * @param kvHost address of the KV channel, by the same rule
     * @param kvPort of the KV channel; 0 for any free one
     * @param advertisedHost the name by which others reach this worker; empty for the two above
     * @param adminPort of metrics and liveness on the control host; 0 for any free one, -1 for none
     * @param kvLink what may carry KV
     * @param kvTls certificates of KV over TCP; null for none
     */
    public record Listen(
            String controlHost,
            int controlPort,
            String kvHost,
            int kvPort,
            String advertisedHost,
            int adminPort,
            KvLink kvLink,
            @Nullable TlsFiles kvTls) {
        /** Any free ports of the loopback interface, no admin port. */
        public static Listen loopback() {
            return new Listen("127.0.0.1", 0, "127.0.0.1", 0, "", -1, KvLink.AUTO, null);
        }

        /** The name by which routers reach this worker. */
        public String reachableHost() {
            return advertisedHost.isEmpty() ? controlHost : advertisedHost;
        }
    }

    /**
     * PEM files.
     *
     * @param certificate this worker's, then those between it and the authority
     * @param key of the certificate
     * @param authority whose certificates are trusted
     */
    public record TlsFiles(Path certificate, Path key, Path authority) {
        /** Those that are set: all or none, as the configuration has checked. */
        private static @Nullable TlsFiles of(Configuration configuration) {
            Optional<Path> certificate = configuration.get(KvSettings.TLS_CERTIFICATE);
            Optional<Path> key = configuration.get(KvSettings.TLS_KEY);
            Optional<Path> authority = configuration.get(KvSettings.TLS_CA);
            return certificate.isEmpty() || key.isEmpty() || authority.isEmpty()
                    ? null
                    : new TlsFiles(certificate.get(), key.get(), authority.get());
        }
    }

    /**
     * @param routers addresses ({@code host:port}) of the routers' worker ports, joined all
     * @param token shared by the cluster
     */
    public record Membership(List<String> routers, ClusterToken token) {
        public Membership {
            routers = List.copyOf(routers);
        }
    }

    /**
     * @param modelName the name clients ask for
     * @param aliases further names
     * @param maxModelLen most tokens of prompt and answer
     * @param chunkTokens tokens per chunk, a multiple of the block
     * @param sameness {@code exact} or {@code tolerant}
     * @param coding how KV that is sent is coded; every worker takes every coding
     */
    public record Serving(
            String modelName,
            List<String> aliases,
            int maxModelLen,
            int chunkTokens,
            String sameness,
            Coding coding) {
        public Serving {
            aliases = List.copyOf(aliases);
        }
    }

    /**
     * @param leaseNanos how long blocks wait for KV that nobody sends
     * @param stallNanos a transfer that began and is silent for so long has failed
     * @param sendBufferBytes KV that waits to be sent on one connection
     * @param connections most to one decoder, and threads that take KV
     * @param maxRequestNanos longest life of an attempt
     * @param stepNanos longest time of one engine step before the worker counts as stuck
     * @param drainNanos time that running attempts get to end when the worker stops
     * @param maxAttempts attempts in progress
     */
    public record Limits(
            long leaseNanos,
            long stallNanos,
            long sendBufferBytes,
            int connections,
            long maxRequestNanos,
            long stepNanos,
            long drainNanos,
            int maxAttempts) {
        /**
         * Lease 10 s, stall 2 s, 64 MiB to send, 2 connections, request 1 h, step and drain 30 s,
         * 1,024 attempts.
         */
        public static Limits usual() {
            return new Limits(
                    10_000_000_000L,
                    2_000_000_000L,
                    64L << 20,
                    2,
                    3_600_000_000_000L,
                    30_000_000_000L,
                    30_000_000_000L,
                    1024);
        }

        /**
         * One sign of life of a call.
         *
         * @param steps of the engine since its start
         * @param onEngine whether the call waits for the engine
         */
        public Alive alive(long steps, boolean onEngine) {
            return Alive.newBuilder()
                    .setSteps(steps)
                    .setOnEngine(onEngine)
                    .setStepLimitMillis(TimeUnit.NANOSECONDS.toMillis(stepNanos))
                    .build();
        }

        public Limits {
            if (leaseNanos <= 0
                    || stallNanos <= 0
                    || maxRequestNanos <= 0
                    || stepNanos <= 0
                    || drainNanos < 0) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION,
                        "lease, stall, request and step limits must be positive");
            }
            if (maxAttempts <= 0) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION, "at least one attempt must be allowed");
            }
        }
    }

    public WorkerOptions {
        if (workerId.isEmpty()
                || workerId.length() > 128
                || !workerId.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "a worker's id must have 1 to 128 printable ASCII characters without spaces",
                    "worker.id");
        }
    }

    /**
     * Options from configuration.
     *
     * @param workerId the worker's name, used where {@code worker.id} is not set
     * @param modelName the name clients ask for, used where {@code model.served-names} is not set
     * @param maxModelLen most tokens of prompt and answer, as the engine takes them
     */
    public static WorkerOptions of(
            Configuration configuration, String workerId, String modelName, int maxModelLen) {
        List<String> names = configuration.get(ModelSettings.SERVED_NAMES);
        int maxSequences = configuration.get(EngineSettings.MAX_NUM_SEQS);
        return new WorkerOptions(
                configuration.get(ClusterSettings.WORKER_ID).orElse(workerId),
                new Listen(
                        configuration.get(ClusterSettings.CONTROL_HOST),
                        configuration.get(ClusterSettings.CONTROL_PORT),
                        configuration.get(KvSettings.HOST),
                        configuration.get(KvSettings.PORT),
                        configuration.get(ClusterSettings.WORKER_ADVERTISE_HOST).orElse(""),
                        configuration.get(ClusterSettings.WORKER_ADMIN_PORT),
                        configuration.get(KvSettings.CHANNEL),
                        TlsFiles.of(configuration)),
                new Membership(
                        configuration.get(ClusterSettings.ROUTER_ADDRESSES),
                        ClusterToken.of(configuration.get(ClusterSettings.TOKEN).orElse(""))),
                new Serving(
                        names.isEmpty() ? modelName : names.get(0),
                        names.isEmpty() ? List.of() : names.subList(1, names.size()),
                        maxModelLen,
                        configuration.get(KvSettings.CHUNK_TOKENS),
                        configuration.get(KvSettings.SAMENESS),
                        coding(configuration)),
                new Limits(
                        configuration.get(KvSettings.TRANSFER_TICKET_LEASE).toNanos(),
                        configuration.get(KvSettings.TRANSFER_STALL).toNanos(),
                        configuration.get(KvSettings.TRANSFER_SEND_BUFFER),
                        configuration.get(KvSettings.TRANSFER_CONNECTIONS),
                        configuration.get(HttpSettings.REQUEST_TIMEOUT).toNanos(),
                        configuration.get(ClusterSettings.WORKER_STEP_LIMIT).toNanos(),
                        configuration.get(RouteSettings.DRAIN_TIMEOUT).toNanos(),
                        maxSequences + configuration.get(EngineSettings.MAX_WAITING)));
    }

    /**
     * How KV that is sent is coded.
     *
     * @param kind which codec
     * @param level 0 the finest, to {@link KvCoding#maxLevel}
     * @param profile file of a KV profile, or a folder of some; empty for none
     * @param adaptive whether each chunk may go a finer way
     * @param recompute whether a decoder may be told to compute what KV brings too late
     */
    public record Coding(
            KvCoding kind, int level, Optional<Path> profile, boolean adaptive, boolean recompute) {
        /** The finest level, no profile, always alike. */
        public static Coding of(KvCoding kind) {
            return new Coding(kind, 0, Optional.empty(), false, false);
        }

        /** The same with its profiles there. */
        Coding withProfile(Path path) {
            return new Coding(kind, level, Optional.of(path), adaptive, recompute);
        }
    }

    /** The same worker with its KV profiles there: a file, or a folder of some. */
    public WorkerOptions withProfile(Path path) {
        Serving next =
                new Serving(
                        serving.modelName(),
                        serving.aliases(),
                        serving.maxModelLen(),
                        serving.chunkTokens(),
                        serving.sameness(),
                        serving.coding().withProfile(path));
        return new WorkerOptions(workerId, listen, membership, next, limits);
    }

    /** Coding with loss needs the permission that answers may differ. */
    private static Coding coding(Configuration configuration) {
        String sameness = configuration.get(KvSettings.SAMENESS);
        String codec = configuration.get(KvSettings.CODEC);
        boolean exact = sameness.equals("exact");
        KvCoding usual = exact ? KvCoding.LOSSLESS : KvCoding.KLT;
        KvCoding coding = codec.equals("auto") ? usual : KvCoding.ofLabel(codec);
        if (!coding.lossless() && exact) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "kv.codec %s loses bits, and kv.sameness is exact; choose raw or lossless, or set kv.sameness: tolerant"
                            .formatted(coding.label()),
                    KvSettings.CODEC.key());
        }
        int level = configuration.get(KvSettings.CODEC_LEVEL).orElse(coding.usualLevel());
        if (level > coding.maxLevel()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "kv.codec.level is %d, the coarsest of %s is %d"
                            .formatted(level, coding.label(), coding.maxLevel()),
                    KvSettings.CODEC_LEVEL.key());
        }
        boolean adaptive = configuration.get(KvSettings.CODEC_ADAPT);
        return new Coding(
                coding,
                level,
                configuration.get(KvSettings.PROFILE),
                adaptive,
                adaptive && configuration.get(KvSettings.RECOMPUTE));
    }
}

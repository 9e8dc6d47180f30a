package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.bytes;
import static io.baton.common.config.SettingType.duration;
import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.oneOf;
import static io.baton.common.config.SettingType.optionalInteger;
import static io.baton.common.config.SettingType.optionalPath;
import static io.baton.common.config.SettingType.poolSize;
import static io.baton.common.config.SettingType.text;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLink;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** The KV cache: its pool, its form, and the way it takes from worker to worker. */
public final class KvSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<KvPoolSize> POOL =
            GROUP.add(
                    Setting.of(
                                    "kv.pool",
                                    poolSize(),
                                    "1GiB",
                                    "Memory of the KV pool of each worker: a size or a number of"
                                            + " tokens.")
                            .withFlag("--kv-pool"));
    public static final Setting<KvDtype> DTYPE =
            GROUP.add(
                    Setting.of(
                                    "kv.dtype",
                                    oneOf(KvDtype.class),
                                    "bf16",
                                    "Number format of the KV pool. The same on all workers.")
                            .withFlag("--kv-dtype"));
    public static final Setting<Integer> CHUNK_TOKENS =
            GROUP.add(
                    Setting.of(
                            "kv.chunk-tokens",
                            integer(16, 4096),
                            "256",
                            "Tokens of a chunk, the unit in which KV is sent; a multiple of 16."
                                    + " The same on all workers."));
    public static final Setting<String> CODEC =
            GROUP.add(
                    Setting.of(
                            "kv.codec",
                            oneOf("auto", "raw", "lossless", "int8", "cachegen", "klt"),
                            "auto",
                            "How a prefiller codes KV that it sends: as it is; without loss in two"
                                    + " thirds of the bytes; or with loss (int8 in half, cachegen in"
                                    + " less than a third, klt in a seventh), for which kv.sameness"
                                    + " must be tolerant. auto is lossless where kv.sameness is"
                                    + " exact, else klt."));
    public static final Setting<Optional<Integer>> CODEC_LEVEL =
            GROUP.add(
                    Setting.of(
                            "kv.codec.level",
                            optionalInteger(0, 255),
                            "",
                            "How coarse kv.codec is at most, from 0, the finest: cachegen has 0 to"
                                    + " 5 (3 if empty), klt 0 to 6 (2 if empty, a seventh of the"
                                    + " size), the others 0 alone."));
    public static final Setting<Boolean> CODEC_ADAPT =
            GROUP.add(
                    Setting.of(
                            "kv.codec.adapt",
                            bool(),
                            "true",
                            "Whether each chunk goes the finest way that the link allows, from raw"
                                    + " to kv.codec at kv.codec.level; within a machine that is raw."
                                    + " With false all goes by kv.codec at kv.codec.level."));
    public static final Setting<Boolean> RECOMPUTE =
            GROUP.add(
                    Setting.of(
                            "kv.recompute",
                            bool(),
                            "true",
                            "Whether the decoder computes the rest of a prompt itself where that is"
                                    + " foreseen to be sooner than its KV. Needs kv.codec.adapt."));
    public static final Setting<Optional<Path>> PROFILE =
            GROUP.add(
                    Setting.of(
                            "kv.profile",
                            optionalPath(),
                            "",
                            "A KV profile of the model (see baton kv profile), or a folder where one"
                                    + " for it is looked for and where those that peers send are"
                                    + " kept; by default a folder among the models. Without one"
                                    + " cachegen sends its tables with every part, and klt's is"
                                    + " made for models of the catalogue."));
    public static final Setting<KvLink> CHANNEL =
            GROUP.add(
                    Setting.of(
                            "kv.channel",
                            oneOf(KvLink.class),
                            "auto",
                            "What carries KV. With auto a decoder offers all it has and the"
                                    + " prefiller takes the best that both have: memory within a"
                                    + " process or a host, ucx where both have RDMA devices, else"
                                    + " tcp. Another value allows this one alone; cuda-ipc needs"
                                    + " an NVIDIA device on either side."));
    public static final Setting<String> SAMENESS =
            GROUP.add(
                    Setting.of(
                            "kv.sameness",
                            oneOf("exact", "tolerant"),
                            "exact",
                            "How equal answers are to those of one process without any cache:"
                                    + " exact means bit for bit; tolerant allows codecs with loss."
                                    + " The same on all workers."));
    public static final Setting<String> HOST =
            GROUP.add(
                    Setting.of(
                            "kv.host",
                            text(),
                            "127.0.0.1",
                            "Address on which a decoder takes KV. Anything but loopback needs"
                                    + " cluster.token or the kv.tls settings."));
    public static final Setting<Integer> PORT =
            GROUP.add(
                    Setting.of(
                            "kv.port",
                            integer(0, 65_535),
                            "0",
                            "Port on which a decoder takes KV; 0 for any free one. With"
                                    + " kv.channel auto, ucx takes the port after it."));
    public static final Setting<Optional<Path>> TLS_CERTIFICATE =
            GROUP.add(
                    Setting.of(
                            "kv.tls.certificate",
                            optionalPath(),
                            "",
                            "PEM file with the worker's certificate and those between it and the"
                                    + " authority. With the three kv.tls settings KV over tcp is"
                                    + " encrypted (TLS 1.3), both sides show certificates, and ucx"
                                    + " is not used."));
    public static final Setting<Optional<Path>> TLS_KEY =
            GROUP.add(
                    Setting.of(
                            "kv.tls.key",
                            optionalPath(),
                            "",
                            "PEM file with the certificate's key: PKCS#8, not encrypted."));
    public static final Setting<Optional<Path>> TLS_CA =
            GROUP.add(
                    Setting.of(
                            "kv.tls.ca",
                            optionalPath(),
                            "",
                            "PEM file with the authority that the other workers' certificates come"
                                    + " from. Whoever has one of it belongs to the cluster; names"
                                    + " are not checked."));
    public static final Setting<Duration> TRANSFER_STALL =
            GROUP.add(
                    Setting.of(
                            "transfer.stall",
                            duration("50ms", "10m"),
                            "2s",
                            "A KV stream that makes no progress for so long has failed."));
    public static final Setting<Duration> TRANSFER_TICKET_LEASE =
            GROUP.add(
                    Setting.of(
                            "transfer.ticket-lease",
                            duration("100ms", "10m"),
                            "10s",
                            "A decoder frees blocks reserved for a prefill that does not begin to"
                                    + " send within this."));
    public static final Setting<Long> TRANSFER_SEND_BUFFER =
            GROUP.add(
                    Setting.of(
                            "transfer.send-buffer",
                            bytes("1MiB", "4GiB"),
                            "64MiB",
                            "KV bytes that wait to be sent on one connection; then the prefiller"
                                    + " waits."));

    public static final Setting<Integer> TRANSFER_CONNECTIONS =
            GROUP.add(
                    Setting.of(
                            "transfer.connections",
                            integer(1, 64),
                            "2",
                            "Most tcp connections of a prefiller to a decoder, and threads with"
                                    + " which a decoder takes KV over tcp. Transfers at the same"
                                    + " time take different ones."));

    private KvSettings() {}
}

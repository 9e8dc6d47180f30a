package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.decimal;
import static io.baton.common.config.SettingType.duration;
import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.list;
import static io.baton.common.config.SettingType.optionalText;
import static io.baton.common.config.SettingType.text;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** How routers and workers find, trust and watch each other, and what {@code up} starts. */
public final class ClusterSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<Optional<String>> TOKEN =
            GROUP.add(
                    Setting.of(
                                    "cluster.token",
                                    optionalText(),
                                    "",
                                    "Shared secret with which routers and workers know each other;"
                                            + " without it everything listens on loopback alone.")
                            .asSecret());
    public static final Setting<Duration> HEARTBEAT =
            GROUP.add(
                    Setting.of(
                            "cluster.heartbeat",
                            duration("10ms", "1m"),
                            "250ms",
                            "Interval in which a worker tells the router that it lives."));
    public static final Setting<Duration> LEASE =
            GROUP.add(
                    Setting.of(
                            "cluster.lease",
                            duration("50ms", "10m"),
                            "2s",
                            "A worker that was not heard of for so long is lost; at least twice"
                                    + " the heartbeat."));
    public static final Setting<Duration> CALL_STALL =
            GROUP.add(
                    Setting.of(
                            "cluster.call-stall",
                            duration("100ms", "10m"),
                            "2s",
                            "A worker that says nothing on a request's call for so long is lost to"
                                    + " this request, which goes on elsewhere. It is asked for"
                                    + " four signs of life within this time, even while the"
                                    + " request waits."));
    public static final Setting<List<String>> ROUTER_ADDRESSES =
            GROUP.add(
                    Setting.of(
                                    "router.address",
                                    list(),
                                    "127.0.0.1:8001",
                                    "Routers that a worker joins, as HOST:PORT of their"
                                            + " router.control-port.")
                            .withFlag("--router"));
    public static final Setting<Integer> ROUTER_CONTROL_PORT =
            GROUP.add(
                    Setting.of(
                            "router.control-port",
                            integer(0, 65_535),
                            "8001",
                            "Port on which a router takes workers, on control.host; 0 for any free"
                                    + " one."));
    public static final Setting<String> CONTROL_HOST =
            GROUP.add(
                    Setting.of(
                            "control.host",
                            text(),
                            "127.0.0.1",
                            "Address of the control plane (gRPC) of a role. Anything but loopback"
                                    + " needs cluster.token."));
    public static final Setting<Integer> CONTROL_PORT =
            GROUP.add(
                    Setting.of(
                            "control.port",
                            integer(0, 65_535),
                            "0",
                            "Port of a worker's control plane; 0 for any free one."));
    public static final Setting<Optional<String>> WORKER_ID =
            GROUP.add(
                    Setting.of(
                            "worker.id",
                            optionalText(),
                            "",
                            "Name of a worker in logs and metrics; empty for one made of role and"
                                    + " host."));
    public static final Setting<Optional<String>> WORKER_ADVERTISE_HOST =
            GROUP.add(
                    Setting.of(
                            "worker.advertise-host",
                            optionalText(),
                            "",
                            "Host under which others reach this worker; empty for control.host and"
                                    + " kv.host."));
    public static final Setting<Integer> WORKER_ADMIN_PORT =
            GROUP.add(
                    Setting.of(
                            "worker.admin-port",
                            integer(-1, 65_535),
                            "-1",
                            "Port of a worker's own /metrics and /livez on control.host; 0 for any"
                                    + " free one, -1 for none. On other than loopback, /metrics"
                                    + " asks for cluster.token as bearer token."));
    public static final Setting<Duration> WORKER_STEP_LIMIT =
            GROUP.add(
                    Setting.of(
                            "worker.step-limit",
                            duration("1s", "1h"),
                            "30s",
                            "A worker whose engine has work but makes no step for so long leaves"
                                    + " its routers until it moves again."));
    public static final Setting<Boolean> ROLE_COLOCATED =
            GROUP.add(
                    Setting.of(
                                    "role.colocated",
                                    bool(),
                                    "false",
                                    "Whether a decoder prefills everything itself: the baseline of"
                                            + " disaggregation.")
                            .withFlag("--colocated"));
    public static final Setting<Integer> UP_PREFILLERS =
            GROUP.add(
                    Setting.of("up.prefillers", integer(0, 256), "1", "Prefillers that up starts.")
                            .withFlag("--prefillers"));
    public static final Setting<Integer> UP_DECODERS =
            GROUP.add(
                    Setting.of("up.decoders", integer(1, 256), "1", "Decoders that up starts.")
                            .withFlag("--decoders"));
    public static final Setting<Double> UP_DECODE_SHARE =
            GROUP.add(
                    Setting.of(
                                    "up.decode-share",
                                    decimal(0.05, 0.95),
                                    "0.5",
                                    "The part of the processors' time that decoders get while"
                                            + " prefillers in the same process compute too; who"
                                            + " is alone has all of it. With the C kernels;"
                                            + " processes of their own share as the system does.")
                            .withFlag("--decode-share"));
    public static final Setting<Boolean> UP_PROCESSES =
            GROUP.add(
                    Setting.of(
                                    "up.processes",
                                    bool(),
                                    "false",
                                    "Whether up gives each role a process of its own.")
                            .withFlag("--processes"));

    private ClusterSettings() {}
}

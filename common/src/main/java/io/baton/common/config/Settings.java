package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.bytes;
import static io.baton.common.config.SettingType.decimal;
import static io.baton.common.config.SettingType.duration;
import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.list;
import static io.baton.common.config.SettingType.oneOf;
import static io.baton.common.config.SettingType.optionalPath;
import static io.baton.common.config.SettingType.optionalText;
import static io.baton.common.config.SettingType.poolSize;
import static io.baton.common.config.SettingType.text;

import io.baton.common.kv.KvDtype;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The table of all settings. A key exists if and only if it stands here. */
public final class Settings {
    private static final List<Setting<?>> TABLE = new ArrayList<>();

    // ---- model ----

    public static final Setting<String> MODEL =
            add(
                    Setting.of(
                                    "model.name",
                                    text(),
                                    "smollm2-135m",
                                    "Model to serve: a catalogue name, a GGUF file, a folder with"
                                            + " one, or a hub id OWNER/REPO[:FILE.gguf].")
                            .withFlag("--model")
                            .withEnvironment("BATON_MODEL"));
    public static final Setting<List<String>> MODEL_SERVED_NAMES =
            add(
                    Setting.of(
                                    "model.served-names",
                                    list(),
                                    "",
                                    "Names under which clients ask for the model; empty for the"
                                            + " catalogue name or the file's name.")
                            .withFlag("--served-model-name"));
    public static final Setting<Optional<String>> MODEL_CHAT_TEMPLATE =
            add(
                    Setting.of(
                                    "model.chat-template",
                                    optionalText(),
                                    "",
                                    "Chat template to use instead of the model's own: a name such"
                                            + " as plain-turn, or a Jinja file.")
                            .withFlag("--chat-template"));
    public static final Setting<Integer> MODEL_MAX_LEN =
            add(
                    Setting.of(
                                    "model.max-len",
                                    integer(0, 1 << 24),
                                    "0",
                                    "Longest prompt and answer together, in tokens; 0 for the"
                                            + " model's own context length.")
                            .withFlag("--max-model-len"));
    public static final Setting<Boolean> MODEL_DEMO =
            add(
                    Setting.of(
                                    "model.demo",
                                    bool(),
                                    "false",
                                    "Serve a tiny generated model that needs no download; its"
                                            + " answers mean nothing.")
                            .withFlag("--demo")
                            .withEnvironment("BATON_DEMO"));

    // ---- kernels ----

    public static final Setting<Integer> KERNELS_THREADS =
            add(
                    Setting.of(
                                    "kernels.threads",
                                    integer(0, 1024),
                                    "0",
                                    "Threads that compute; 0 for all processors.")
                            .withFlag("--threads"));
    public static final Setting<String> KERNELS_PROVIDER =
            add(
                    Setting.of(
                                    "kernels.provider",
                                    oneOf("auto", "reference", "c"),
                                    "auto",
                                    "Who computes: the fastest that works here, the plain Java"
                                            + " reference, or the C library.")
                            .withFlag("--kernels"));

    // ---- kv ----

    public static final Setting<KvPoolSize> KV_POOL =
            add(
                    Setting.of(
                                    "kv.pool",
                                    poolSize(),
                                    "1GiB",
                                    "Memory of the KV pool of each worker: a size or a number of"
                                            + " tokens.")
                            .withFlag("--kv-pool"));
    public static final Setting<KvDtype> KV_DTYPE =
            add(
                    Setting.of(
                                    "kv.dtype",
                                    oneOf(KvDtype.class),
                                    "bf16",
                                    "Number format of the KV pool. The same on all workers.")
                            .withFlag("--kv-dtype"));
    public static final Setting<Integer> KV_CHUNK_TOKENS =
            add(
                    Setting.of(
                            "kv.chunk-tokens",
                            integer(16, 4096),
                            "256",
                            "Tokens of a chunk, the unit in which KV is sent; a multiple of 16."
                                    + " The same on all workers."));
    public static final Setting<String> KV_SAMENESS =
            add(
                    Setting.of(
                            "kv.sameness",
                            oneOf("exact"),
                            "exact",
                            "How equal answers are to those of one process without any cache:"
                                    + " exact means bit for bit."));
    public static final Setting<String> KV_HOST =
            add(
                    Setting.of(
                            "kv.host",
                            text(),
                            "127.0.0.1",
                            "Address on which a decoder takes KV. Anything but loopback needs"
                                    + " cluster.token."));
    public static final Setting<Integer> KV_PORT =
            add(
                    Setting.of(
                            "kv.port",
                            integer(0, 65_535),
                            "0",
                            "Port on which a decoder takes KV; 0 for any free one."));

    // ---- engine ----

    public static final Setting<Integer> ENGINE_MAX_NUM_SEQS =
            add(
                    Setting.of(
                                    "engine.max-num-seqs",
                                    integer(1, 4096),
                                    "64",
                                    "Sequences that one worker computes at a time.")
                            .withFlag("--max-num-seqs"));
    public static final Setting<Integer> ENGINE_MAX_STEP_TOKENS =
            add(
                    Setting.of(
                                    "engine.max-step-tokens",
                                    integer(16, 65_536),
                                    "512",
                                    "Tokens of one step at most: longer prompts are prefilled in"
                                            + " pieces.")
                            .withFlag("--max-num-batched-tokens"));
    public static final Setting<Integer> ENGINE_MAX_WAITING =
            add(
                    Setting.of(
                            "engine.max-waiting",
                            integer(0, 65_536),
                            "256",
                            "Requests that wait at one worker; one more is refused."));

    // ---- http ----

    public static final Setting<String> HTTP_HOST =
            add(
                    Setting.of("http.host", text(), "127.0.0.1", "Address of the OpenAI endpoint.")
                            .withFlag("--host"));
    public static final Setting<Integer> HTTP_PORT =
            add(
                    Setting.of(
                                    "http.port",
                                    integer(0, 65_535),
                                    "8000",
                                    "Port of the OpenAI endpoint; 0 for any free one.")
                            .withFlag("--port"));
    public static final Setting<Long> HTTP_MAX_BODY =
            add(
                    Setting.of(
                            "http.max-body",
                            bytes("1KiB", "1GiB"),
                            "8MiB",
                            "Largest request body; a larger one gets 413."));
    public static final Setting<Long> HTTP_MAX_HEADER =
            add(
                    Setting.of(
                            "http.max-header",
                            bytes("1KiB", "1MiB"),
                            "16KiB",
                            "Largest size of all request headers; more gets 431."));
    public static final Setting<Duration> HTTP_HEADER_TIMEOUT =
            add(
                    Setting.of(
                            "http.header-timeout",
                            duration("100ms", "10m"),
                            "10s",
                            "Longest time for a request's headers to arrive."));
    public static final Setting<Duration> HTTP_BODY_TIMEOUT =
            add(
                    Setting.of(
                            "http.body-timeout",
                            duration("100ms", "10m"),
                            "30s",
                            "Longest time for a request's body to arrive; then 408."));
    public static final Setting<Duration> HTTP_IDLE_TIMEOUT =
            add(
                    Setting.of(
                            "http.idle-timeout",
                            duration("1s", "1d"),
                            "2m",
                            "A connection without a request in it is closed after this."));
    public static final Setting<Duration> HTTP_REQUEST_TIMEOUT =
            add(
                    Setting.of(
                            "http.request-timeout",
                            duration("1s", "1d"),
                            "10m",
                            "Longest life of a request; then 504."));
    public static final Setting<Duration> HTTP_SLOW_CLIENT_TIMEOUT =
            add(
                    Setting.of(
                            "http.slow-client-timeout",
                            duration("100ms", "1h"),
                            "30s",
                            "A client that reads nothing of its full stream buffer (256 KiB) for"
                                    + " so long is dropped."));
    public static final Setting<Boolean> HTTP_OPEN_METRICS =
            add(
                    Setting.of(
                            "http.open-metrics",
                            bool(),
                            "false",
                            "Whether /metrics needs no key where keys are set."));
    public static final Setting<Integer> HTTP_MAX_CONNECTIONS =
            add(
                    Setting.of(
                            "http.max-connections",
                            integer(1, 1_000_000),
                            "4096",
                            "Open client connections at most."));
    public static final Setting<Integer> HTTP_MAX_CONCURRENT =
            add(
                    Setting.of(
                            "http.max-concurrent",
                            integer(1, 1_000_000),
                            "256",
                            "Requests that run at a time."));
    public static final Setting<Integer> HTTP_MAX_QUEUE =
            add(
                    Setting.of(
                            "http.max-queue",
                            integer(0, 1_000_000),
                            "512",
                            "Requests that wait to run; one more gets 429 with Retry-After."));
    public static final Setting<Integer> HTTP_MAX_CHOICES =
            add(
                    Setting.of(
                            "http.max-choices",
                            integer(1, 128),
                            "16",
                            "Largest value of the request parameter n."));

    // ---- api and admin ----

    public static final Setting<List<String>> API_KEYS =
            add(
                    Setting.of(
                                    "api.keys",
                                    list(),
                                    "",
                                    "Keys of which a client must send one; empty for none."
                                            + " @PATH reads them from a file, one a line.")
                            .withFlag("--api-key")
                            .asSecret());
    public static final Setting<Optional<String>> ADMIN_TOKEN =
            add(
                    Setting.of(
                                    "admin.token",
                                    optionalText(),
                                    "",
                                    "Token for /admin; empty means that /admin answers on loopback"
                                            + " connections alone.")
                            .asSecret());
    public static final Setting<Integer> ADMIN_LEDGER_ENTRIES =
            add(
                    Setting.of(
                            "admin.ledger-entries",
                            integer(0, 1_000_000),
                            "1000",
                            "Finished requests whose ledger /admin/requests/{id} still knows."));

    public static final Setting<Optional<String>> TENANT_SECRET =
            add(
                    Setting.of(
                                    "tenant.secret",
                                    optionalText(),
                                    "",
                                    "Secret from which the router makes the salts that keep"
                                            + " tenants' KV apart, the same on all routers; empty"
                                            + " for one that is created once in state.folder.")
                            .asSecret());
    public static final Setting<Optional<Path>> STATE_FOLDER =
            add(
                    Setting.of(
                            "state.folder",
                            optionalPath(),
                            "",
                            "Folder for what must survive a restart; empty for baton in"
                                    + " XDG_STATE_HOME or ~/.local/state."));

    // ---- cluster ----

    public static final Setting<Optional<String>> CLUSTER_TOKEN =
            add(
                    Setting.of(
                                    "cluster.token",
                                    optionalText(),
                                    "",
                                    "Shared secret with which routers and workers know each other;"
                                            + " without it everything listens on loopback alone.")
                            .asSecret());
    public static final Setting<Duration> CLUSTER_HEARTBEAT =
            add(
                    Setting.of(
                            "cluster.heartbeat",
                            duration("10ms", "1m"),
                            "250ms",
                            "Interval in which a worker tells the router that it lives."));
    public static final Setting<Duration> CLUSTER_LEASE =
            add(
                    Setting.of(
                            "cluster.lease",
                            duration("50ms", "10m"),
                            "2s",
                            "A worker that was not heard of for so long is lost; at least twice"
                                    + " the heartbeat."));

    // ---- router, control, worker ----

    public static final Setting<List<String>> ROUTER_ADDRESSES =
            add(
                    Setting.of(
                                    "router.address",
                                    list(),
                                    "127.0.0.1:8001",
                                    "Routers that a worker joins, as HOST:PORT of their"
                                            + " router.control-port.")
                            .withFlag("--router"));
    public static final Setting<Integer> ROUTER_CONTROL_PORT =
            add(
                    Setting.of(
                            "router.control-port",
                            integer(0, 65_535),
                            "8001",
                            "Port on which a router takes workers, on control.host; 0 for any free"
                                    + " one."));
    public static final Setting<String> CONTROL_HOST =
            add(
                    Setting.of(
                            "control.host",
                            text(),
                            "127.0.0.1",
                            "Address of the control plane (gRPC) of a role. Anything but loopback"
                                    + " needs cluster.token."));
    public static final Setting<Integer> CONTROL_PORT =
            add(
                    Setting.of(
                            "control.port",
                            integer(0, 65_535),
                            "0",
                            "Port of a worker's control plane; 0 for any free one."));
    public static final Setting<Optional<String>> WORKER_ID =
            add(
                    Setting.of(
                            "worker.id",
                            optionalText(),
                            "",
                            "Name of a worker in logs and metrics; empty for one made of role and"
                                    + " host."));
    public static final Setting<Optional<String>> WORKER_ADVERTISE_HOST =
            add(
                    Setting.of(
                            "worker.advertise-host",
                            optionalText(),
                            "",
                            "Host under which others reach this worker; empty for control.host and"
                                    + " kv.host."));
    public static final Setting<Integer> WORKER_ADMIN_PORT =
            add(
                    Setting.of(
                            "worker.admin-port",
                            integer(-1, 65_535),
                            "-1",
                            "Port of a worker's own /metrics and /livez on control.host; 0 for any"
                                    + " free one, -1 for none. On other than loopback, /metrics"
                                    + " asks for cluster.token as bearer token."));
    public static final Setting<Duration> WORKER_STEP_LIMIT =
            add(
                    Setting.of(
                            "worker.step-limit",
                            duration("1s", "1h"),
                            "30s",
                            "A worker whose engine has work but makes no step for so long leaves"
                                    + " its routers until it moves again."));
    public static final Setting<Boolean> ROLE_COLOCATED =
            add(
                    Setting.of(
                                    "role.colocated",
                                    bool(),
                                    "false",
                                    "Whether a decoder prefills everything itself: the baseline of"
                                            + " disaggregation.")
                            .withFlag("--colocated"));
    public static final Setting<Integer> UP_PREFILLERS =
            add(
                    Setting.of("up.prefillers", integer(0, 256), "1", "Prefillers that up starts.")
                            .withFlag("--prefillers"));
    public static final Setting<Integer> UP_DECODERS =
            add(
                    Setting.of("up.decoders", integer(1, 256), "1", "Decoders that up starts.")
                            .withFlag("--decoders"));
    public static final Setting<Boolean> UP_PROCESSES =
            add(
                    Setting.of(
                                    "up.processes",
                                    bool(),
                                    "false",
                                    "Whether up gives each role a process of its own.")
                            .withFlag("--processes"));

    // ---- transfer ----

    public static final Setting<Duration> TRANSFER_STALL =
            add(
                    Setting.of(
                            "transfer.stall",
                            duration("50ms", "10m"),
                            "2s",
                            "A KV stream that makes no progress for so long has failed."));
    public static final Setting<Duration> TRANSFER_TICKET_LEASE =
            add(
                    Setting.of(
                            "transfer.ticket-lease",
                            duration("100ms", "10m"),
                            "10s",
                            "A decoder frees blocks reserved for a prefill that does not begin to"
                                    + " send within this."));
    public static final Setting<Long> TRANSFER_SEND_BUFFER =
            add(
                    Setting.of(
                            "transfer.send-buffer",
                            bytes("1MiB", "4GiB"),
                            "64MiB",
                            "KV bytes that wait to be sent on one connection; then the prefiller"
                                    + " waits."));

    // ---- route ----

    public static final Setting<Integer> ROUTE_LOCAL_PREFILL_TOKENS =
            add(
                    Setting.of(
                            "route.local-prefill-tokens",
                            integer(0, 1 << 24),
                            "64",
                            "A prompt with at most so many tokens that the decoder does not hold"
                                    + " is prefilled by the decoder itself."));
    public static final Setting<Integer> ROUTE_LOCAL_PREFILL_QUEUE =
            add(
                    Setting.of(
                            "route.local-prefill-queue",
                            integer(0, 1 << 20),
                            "8",
                            "No local prefill at a decoder with more running requests than this."));
    public static final Setting<Double> ROUTE_PREFIX_WEIGHT =
            add(
                    Setting.of(
                            "route.prefix-weight",
                            decimal(0, 10),
                            "1",
                            "What a held prefix token is worth, against one token of waiting"
                                    + " work."));
    public static final Setting<Integer> ROUTE_PREFIX_ENTRIES =
            add(
                    Setting.of(
                            "route.prefix-entries",
                            integer(0, 10_000_000),
                            "100000",
                            "Prefix blocks that a router remembers, over all workers."));
    public static final Setting<Duration> ROUTE_QUEUE_TIMEOUT =
            add(
                    Setting.of(
                            "route.queue-timeout",
                            duration("0s", "1h"),
                            "30s",
                            "Longest wait for a worker; then 503."));

    // ---- retry, drain ----

    public static final Setting<Double> RETRY_BUDGET =
            add(
                    Setting.of(
                            "retry.budget",
                            decimal(0, 1),
                            "0.2",
                            "Retries at most, as a share of the requests of late: 0.2 keeps the"
                                    + " load below 1.2 times what clients offer."));
    public static final Setting<Integer> RETRY_MAX_ATTEMPTS =
            add(
                    Setting.of(
                            "retry.max-attempts",
                            integer(1, 16),
                            "3",
                            "Attempts at one request, the first included."));
    public static final Setting<Duration> DRAIN_TIMEOUT =
            add(
                    Setting.of(
                            "drain.timeout",
                            duration("0s", "1h"),
                            "30s",
                            "How long open requests may still run after a stop was asked for."));

    // ---- debug, log ----

    public static final Setting<Boolean> DEBUG_LOGITS =
            add(
                    Setting.of(
                                    "debug.logits",
                                    bool(),
                                    "false",
                                    "Whether the ledger carries a SHA-256 of each step's logits.")
                            .withFlag("--debug-logits"));
    public static final Setting<String> LOG_FORMAT =
            add(
                    Setting.of(
                                    "log.format",
                                    oneOf("text", "json"),
                                    "text",
                                    "Form of the log on stderr.")
                            .withFlag("--log-format"));
    public static final Setting<String> LOG_LEVEL =
            add(
                    Setting.of(
                                    "log.level",
                                    oneOf("error", "warn", "info", "debug", "trace"),
                                    "info",
                                    "How much is logged.")
                            .withFlag("--log-level"));

    private Settings() {}

    /** All settings, grouped by the first part of the key. */
    public static List<Setting<?>> all() {
        return Collections.unmodifiableList(TABLE);
    }

    /** The setting with this key. */
    public static Optional<Setting<?>> find(String key) {
        return TABLE.stream().<Setting<?>>map(s -> s).filter(s -> s.key().equals(key)).findFirst();
    }

    private static <T> Setting<T> add(Setting<T> setting) {
        for (Setting<?> other : TABLE) {
            if (other.key().equals(setting.key())
                    || other.environment().equals(setting.environment())
                    || other.flag().isPresent() && other.flag().equals(setting.flag())) {
                throw new IllegalStateException(setting + " clashes with " + other);
            }
        }
        TABLE.add(setting);
        return setting;
    }
}

package io.baton.common.config;

import static io.baton.common.config.SettingType.bool;
import static io.baton.common.config.SettingType.bytes;
import static io.baton.common.config.SettingType.duration;
import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.oneOf;
import static io.baton.common.config.SettingType.text;

import java.time.Duration;

/** The OpenAI endpoint and its bounds. */
public final class HttpSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<String> HOST =
            GROUP.add(
                    Setting.of("http.host", text(), "127.0.0.1", "Address of the OpenAI endpoint.")
                            .withFlag("--host"));
    public static final Setting<Integer> PORT =
            GROUP.add(
                    Setting.of(
                                    "http.port",
                                    integer(0, 65_535),
                                    "8000",
                                    "Port of the OpenAI endpoint; 0 for any free one.")
                            .withFlag("--port"));
    public static final Setting<Long> MAX_BODY =
            GROUP.add(
                    Setting.of(
                            "http.max-body",
                            bytes("1KiB", "1GiB"),
                            "8MiB",
                            "Largest request body; a larger one gets 413."));
    public static final Setting<Long> MAX_HEADER =
            GROUP.add(
                    Setting.of(
                            "http.max-header",
                            bytes("1KiB", "1MiB"),
                            "16KiB",
                            "Largest size of all request headers; more gets 431."));
    public static final Setting<Duration> HEADER_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "http.header-timeout",
                            duration("100ms", "10m"),
                            "10s",
                            "Longest time for a request's headers to arrive."));
    public static final Setting<Duration> BODY_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "http.body-timeout",
                            duration("100ms", "10m"),
                            "30s",
                            "Longest time for a request's body to arrive; then 408."));
    public static final Setting<Duration> IDLE_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "http.idle-timeout",
                            duration("1s", "1d"),
                            "2m",
                            "A connection without a request in it is closed after this."));
    public static final Setting<Duration> REQUEST_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "http.request-timeout",
                            duration("1s", "1d"),
                            "10m",
                            "Longest life of a request; then 504."));
    public static final Setting<Duration> SLOW_CLIENT_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "http.slow-client-timeout",
                            duration("100ms", "1h"),
                            "30s",
                            "A client that reads nothing of its full stream buffer (256 KiB) for"
                                    + " so long is dropped."));
    public static final Setting<Boolean> OPEN_METRICS =
            GROUP.add(
                    Setting.of(
                            "http.open-metrics",
                            bool(),
                            "false",
                            "Whether /metrics needs no key where keys are set."));
    public static final Setting<Integer> MAX_CONNECTIONS =
            GROUP.add(
                    Setting.of(
                            "http.max-connections",
                            integer(1, 1_000_000),
                            "4096",
                            "Open client connections at most."));
    public static final Setting<Integer> MAX_CONCURRENT =
            GROUP.add(
                    Setting.of(
                            "http.max-concurrent",
                            integer(1, 1_000_000),
                            "256",
                            "Requests that run at a time."));
    public static final Setting<Integer> MAX_QUEUE =
            GROUP.add(
                    Setting.of(
                            "http.max-queue",
                            integer(0, 1_000_000),
                            "512",
                            "Requests that wait to run; one more gets 429 with Retry-After."));
    public static final Setting<Integer> MAX_CHOICES =
            GROUP.add(
                    Setting.of(
                            "http.max-choices",
                            integer(1, 128),
                            "16",
                            "Largest value of the request parameter n."));

    public static final Setting<String> TOOL_STYLE =
            GROUP.add(
                    Setting.of(
                            "http.tool-style",
                            oneOf(
                                    "auto",
                                    "hermes",
                                    "smollm",
                                    "llama3",
                                    "mistral",
                                    "mistral-args",
                                    "phi4",
                                    "gemma"),
                            "auto",
                            "How models write tool calls; auto: as the chat template says."));

    public static final Setting<String> GENERATION_CONFIG =
            GROUP.add(
                    Setting.of(
                            "http.generation-config",
                            oneOf("auto", "none"),
                            "auto",
                            "Where temperature, top_k, top_p, min_p and repetition_penalty come from when a request leaves them out; auto: from the model (generation_config.json, general.sampling.*), none: OpenAI's defaults."));

    private HttpSettings() {}
}

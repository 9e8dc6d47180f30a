package io.baton.common.config;

import static io.baton.common.config.SettingType.decimal;
import static io.baton.common.config.SettingType.duration;
import static io.baton.common.config.SettingType.integer;

import java.time.Duration;

/** Where requests go, how long they wait, and what happens when a worker is lost. */
public final class RouteSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<Integer> LOCAL_PREFILL_TOKENS =
            GROUP.add(
                    Setting.of(
                            "route.local-prefill-tokens",
                            integer(0, 1 << 24),
                            "64",
                            "A prompt with at most so many tokens that the decoder does not hold"
                                    + " is prefilled by the decoder itself."));
    public static final Setting<Integer> LOCAL_PREFILL_QUEUE =
            GROUP.add(
                    Setting.of(
                            "route.local-prefill-queue",
                            integer(0, 1 << 20),
                            "8",
                            "No local prefill at a decoder with more running requests than this."));
    public static final Setting<Double> PREFIX_WEIGHT =
            GROUP.add(
                    Setting.of(
                            "route.prefix-weight",
                            decimal(0, 10),
                            "1",
                            "What a held prefix token is worth, against one token of waiting"
                                    + " work."));
    public static final Setting<Integer> PREFIX_ENTRIES =
            GROUP.add(
                    Setting.of(
                            "route.prefix-entries",
                            integer(0, 10_000_000),
                            "100000",
                            "Prefix blocks that a router remembers, over all workers."));
    public static final Setting<Duration> QUEUE_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "route.queue-timeout",
                            duration("0s", "1h"),
                            "30s",
                            "Longest wait for a worker; then 503."));
    public static final Setting<Duration> FIRST_TOKEN =
            GROUP.add(
                    Setting.of(
                            "route.first-token",
                            duration("0s", "1h"),
                            "0s",
                            "By when after a request's turn its first token should be there: what"
                                    + " prefillers choose codec levels by. 0s for as soon as can be"
                                    + " without needless loss."));
    public static final Setting<Double> RETRY_BUDGET =
            GROUP.add(
                    Setting.of(
                            "retry.budget",
                            decimal(0, 1),
                            "0.2",
                            "Retries at most, as a share of the requests of late: 0.2 keeps the"
                                    + " load below 1.2 times what clients offer."));
    public static final Setting<Integer> RETRY_MAX_ATTEMPTS =
            GROUP.add(
                    Setting.of(
                            "retry.max-attempts",
                            integer(1, 16),
                            "3",
                            "Attempts at one request, the first included."));
    public static final Setting<Duration> DRAIN_TIMEOUT =
            GROUP.add(
                    Setting.of(
                            "drain.timeout",
                            duration("0s", "1h"),
                            "30s",
                            "How long open requests may still run after a stop was asked for."));

    private RouteSettings() {}
}

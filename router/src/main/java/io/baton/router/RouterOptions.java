package io.baton.router;

import io.baton.common.config.AccessSettings;
import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.DiagnosticSettings;
import io.baton.common.config.HttpSettings;
import io.baton.common.config.RouteSettings;
import io.baton.common.tools.ToolStyle;
import io.baton.common.worker.ClusterToken;
import io.baton.router.http.HttpLimits;
import io.baton.router.registry.ServedText;
import io.baton.router.route.RouteConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Everything that a router is told at its start.
 *
 * @param http where and within which bounds it serves clients
 * @param access who may use it
 * @param cluster how workers join
 * @param route constants of decisions
 * @param work bounds of requests
 * @param drain how long open requests may still run after a stop was asked for
 */
public record RouterOptions(
        Http http, Access access, Cluster cluster, RouteConfig route, Work work, Duration drain) {
    private static final int PREFIX_WORKERS = 8;

    /**
     * The public side; port 0 means any free one.
     *
     * @param text what the operator says of how models are served
     */
    public record Http(String host, int port, HttpLimits limits, ServedText.Wishes text) {}

    /**
     * Keys and secrets.
     *
     * @param apiKeys as text or {@code sha256:HEX}; empty for none
     * @param openMetrics whether {@code /metrics} needs no key
     * @param adminToken for {@code /admin}; empty: loopback connections alone
     * @param tenantSecret from which tenants' salts are made; empty: created once in {@code
     *     stateFolder}
     * @param tenantWeights {@code TENANT=WEIGHT} entries
     */
    public record Access(
            List<String> apiKeys,
            boolean openMetrics,
            Optional<String> adminToken,
            Optional<String> tenantSecret,
            Path stateFolder,
            List<String> tenantWeights) {
        public Access {
            tenantWeights = List.copyOf(tenantWeights);
            apiKeys = List.copyOf(apiKeys);
        }
    }

    /**
     * The side of the workers; port 0 means any free one.
     *
     * @param lease a worker not heard of for so long is lost
     * @param callStall a worker silent for so long on a request's call is lost to that request
     */
    public record Cluster(
            String host,
            int port,
            ClusterToken token,
            Duration heartbeat,
            Duration lease,
            Duration callStall) {}

    /**
     * Bounds of requests.
     *
     * @param prefixBlocks prefix blocks remembered for each worker
     * @param firstToken by when the first token should be there; zero for no such wish
     */
    public record Work(
            int maxConcurrent,
            int maxQueue,
            Duration requestTimeout,
            Duration queueTimeout,
            int maxAttempts,
            double retryBudget,
            int prefixBlocks,
            int ledgerEntries,
            boolean debugLogits,
            Duration firstToken) {}

    /** From configuration. */
    public static RouterOptions from(Configuration config) {
        int concurrent = config.get(HttpSettings.MAX_CONCURRENT);
        int queue = config.get(HttpSettings.MAX_QUEUE);
        HttpLimits limits =
                new HttpLimits(
                        Math.toIntExact(config.get(HttpSettings.MAX_BODY)),
                        Math.toIntExact(config.get(HttpSettings.MAX_HEADER)),
                        config.get(HttpSettings.HEADER_TIMEOUT).toNanos(),
                        config.get(HttpSettings.BODY_TIMEOUT).toNanos(),
                        config.get(HttpSettings.IDLE_TIMEOUT).toNanos(),
                        config.get(HttpSettings.REQUEST_TIMEOUT).toNanos(),
                        config.get(HttpSettings.SLOW_CLIENT_TIMEOUT).toNanos(),
                        config.get(HttpSettings.MAX_CONNECTIONS),
                        concurrent + queue,
                        config.get(HttpSettings.MAX_CHOICES));
        RouteConfig assumed = RouteConfig.defaults();
        return new RouterOptions(
                new Http(
                        config.get(HttpSettings.HOST),
                        config.get(HttpSettings.PORT),
                        limits,
                        new ServedText.Wishes(
                                ToolStyle.named(config.get(HttpSettings.TOOL_STYLE)),
                                config.get(HttpSettings.GENERATION_CONFIG).equals("auto"))),
                new Access(
                        config.get(AccessSettings.API_KEYS),
                        config.get(HttpSettings.OPEN_METRICS),
                        config.get(AccessSettings.ADMIN_TOKEN),
                        config.get(AccessSettings.TENANT_SECRET),
                        config.get(AccessSettings.STATE_FOLDER)
                                .orElseGet(RouterOptions::stateFolder),
                        config.get(AccessSettings.TENANT_WEIGHTS)),
                new Cluster(
                        config.get(ClusterSettings.CONTROL_HOST),
                        config.get(ClusterSettings.ROUTER_CONTROL_PORT),
                        ClusterToken.of(config.get(ClusterSettings.TOKEN).orElse("")),
                        config.get(ClusterSettings.HEARTBEAT),
                        config.get(ClusterSettings.LEASE),
                        config.get(ClusterSettings.CALL_STALL)),
                new RouteConfig(
                        config.get(RouteSettings.LOCAL_PREFILL_TOKENS),
                        config.get(RouteSettings.LOCAL_PREFILL_QUEUE),
                        config.get(RouteSettings.PREFIX_WEIGHT),
                        assumed.assumedPrefillTokensPerSecond(),
                        assumed.assumedDecodeSecondsPerToken()),
                new Work(
                        concurrent,
                        queue,
                        config.get(HttpSettings.REQUEST_TIMEOUT),
                        config.get(RouteSettings.QUEUE_TIMEOUT),
                        config.get(RouteSettings.RETRY_MAX_ATTEMPTS),
                        config.get(RouteSettings.RETRY_BUDGET),
                        config.get(RouteSettings.PREFIX_ENTRIES) / PREFIX_WORKERS,
                        config.get(AccessSettings.ADMIN_LEDGER_ENTRIES),
                        config.get(DiagnosticSettings.DEBUG_LOGITS),
                        config.get(RouteSettings.FIRST_TOKEN)),
                config.get(RouteSettings.DRAIN_TIMEOUT));
    }

    /** Where a user's programs keep what must survive a restart: XDG's state folder. */
    private static Path stateFolder() {
        String home = System.getenv("XDG_STATE_HOME");
        return home == null || home.isBlank()
                ? Path.of(System.getProperty("user.home"), ".local", "state", "baton")
                : Path.of(home, "baton");
    }
}

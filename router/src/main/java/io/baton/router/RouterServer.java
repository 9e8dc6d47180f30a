package io.baton.router;

import io.baton.common.time.Ticker;
import io.baton.common.worker.ControlPlane;
import io.baton.common.worker.ModelText;
import io.baton.router.dispatch.Admission;
import io.baton.router.dispatch.DispatchMeters;
import io.baton.router.dispatch.Dispatcher;
import io.baton.router.dispatch.LedgerRing;
import io.baton.router.dispatch.RetryBudget;
import io.baton.router.dispatch.TenantSalts;
import io.baton.router.dispatch.TenantWeights;
import io.baton.router.http.AcceptGuard;
import io.baton.router.http.ApiKeys;
import io.baton.router.http.Endpoints;
import io.baton.router.http.HttpFront;
import io.baton.router.registry.GgufServedText;
import io.baton.router.registry.ModelTexts;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.registry.RegistryService;
import io.baton.router.registry.ServedText;
import io.baton.router.registry.Worker;
import io.baton.router.route.LeastWork;
import io.baton.router.route.PrefixIndex;
import io.grpc.Server;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running router: HTTP for clients, gRPC for workers. {@link #start} returns when both listen;
 * {@link #drain} lets open requests end; {@link #close} ends everything.
 */
public final class RouterServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RouterServer.class);
    private static final double RETRY_RESERVE = 64;
    private static final double RETRY_MOST = 1024;
    private static final long POLL_MILLIS = 20;
    private static final long CLOSE_SECONDS = 10;

    /**
     * What surrounds a router.
     *
     * @param localText text artifacts that this host has itself, by fingerprint
     * @param textFactory builds tokenizer and template
     * @param metrics scraped at {@code /metrics}; may be shared with workers in the same process
     */
    public record Surroundings(
            Ticker ticker,
            Clock clock,
            RandomGenerator random,
            Function<String, Optional<ModelText>> localText,
            ServedText.Factory textFactory,
            PrometheusMeterRegistry metrics) {
        /** The real ones, and no text artifacts of this host. */
        public static Surroundings system() {
            return system(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        }

        /** The real ones with given metrics. */
        public static Surroundings system(PrometheusMeterRegistry metrics) {
            Clock clock = Clock.systemDefaultZone();
            return new Surroundings(
                    Ticker.system(),
                    clock,
                    new SecureRandom(),
                    fingerprint -> Optional.empty(),
                    new GgufServedText(clock, ServedText.Wishes.NONE),
                    metrics);
        }
    }

    private final RouterOptions options;
    private final Vertx vertx;
    private final HttpFront front;
    private final Server control;
    private final Registry registry;
    private final Admission admission;
    private final ScheduledExecutorService sweeper;
    private final ExecutorService background;
    private final int httpPort;
    private volatile boolean draining;

    /** Starts a router with the system's clock and random source. */
    public static RouterServer start(RouterOptions options) {
        return start(options, Surroundings.system());
    }

    /**
     * Starts a router.
     *
     * @throws io.baton.common.error.BatonException CONFIGURATION if an address or folder cannot be
     *     used
     */
    public static RouterServer start(RouterOptions options, Surroundings around) {
        return new RouterServer(options, around);
    }

    private RouterServer(RouterOptions options, Surroundings around) {
        this.options = options;
        RouterOptions.Work work = options.work();
        RouterOptions.Access access = options.access();
        TenantSalts salts =
                access.tenantSecret()
                        .map(TenantSalts::of)
                        .orElseGet(
                                () ->
                                        TenantSalts.inFolder(
                                                access.stateFolder(), new SecureRandom()));
        ApiKeys keys = ApiKeys.of(access.apiKeys());
        ApiKeys adminToken = ApiKeys.of(access.adminToken().stream().toList());
        this.background = Executors.newVirtualThreadPerTaskExecutor();
        PrefixIndex prefixes = new PrefixIndex(work.prefixBlocks());
        this.registry = registry(options, around, prefixes);
        this.admission = new Admission(work.maxConcurrent(), work.maxQueue(), around.ticker());
        DispatchMeters meters = new DispatchMeters(around.metrics());
        Dispatcher dispatcher =
                new Dispatcher(
                        new Dispatcher.Parts(
                                registry,
                                new LeastWork(),
                                options.route(),
                                prefixes,
                                admission,
                                new RetryBudget(work.retryBudget(), RETRY_RESERVE, RETRY_MOST),
                                new LedgerRing(work.ledgerEntries()),
                                meters,
                                around.ticker(),
                                around.random()),
                        new Dispatcher.Limits(
                                work.requestTimeout().toNanos(),
                                work.queueTimeout().toNanos(),
                                options.cluster().callStall().toNanos(),
                                work.firstToken().toNanos(),
                                work.maxAttempts(),
                                work.debugLogits()));
        AcceptGuard guard = new AcceptGuard(options.http().limits());
        this.vertx = guard.vertx();
        Endpoints endpoints =
                new Endpoints(
                        new Endpoints.Parts(
                                registry,
                                dispatcher,
                                salts,
                                TenantWeights.of(access.tenantWeights()),
                                around.ticker(),
                                around.random(),
                                () -> around.clock().instant().getEpochSecond(),
                                () -> draining,
                                around.metrics()::scrape,
                                version(),
                                options.http().limits()));
        this.front =
                new HttpFront(
                        vertx,
                        new HttpFront.Parts(
                                endpoints,
                                keys,
                                adminToken,
                                access.openMetrics(),
                                options.http().limits(),
                                around.random()));
        gauges(meters, guard);
        this.control = listenForWorkers(options);
        this.httpPort = listenForClients(options);
        this.sweeper =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("baton-router-sweeper").factory());
        long period = Math.max(1, options.cluster().lease().toMillis() / 20);
        sweeper.scheduleAtFixedRate(this::sweep, period, period, TimeUnit.MILLISECONDS);
        LOG.info("router serves {} and takes workers on {}", uri(), controlAddress());
    }

    private Registry registry(RouterOptions options, Surroundings around, PrefixIndex prefixes) {
        ModelTexts texts =
                new ModelTexts(
                        new ModelTexts.Sources(
                                around.localText(),
                                around.textFactory().with(options.http().text())),
                        around.ticker(),
                        background);
        RouterOptions.Cluster cluster = options.cluster();
        return new Registry(
                new Registry.Setup(
                        "router-%08x".formatted(around.random().nextInt()),
                        cluster.token(),
                        cluster.lease().toNanos(),
                        cluster.heartbeat().toNanos(),
                        around.ticker(),
                        () -> around.clock().instant().getEpochSecond()),
                texts,
                new Registry.Listener() {
                    @Override
                    public void onJoined(Worker worker) {}

                    @Override
                    public void onLost(Worker worker, String why) {
                        prefixes.forget(worker.id(), worker.incarnation());
                    }
                });
    }

    private Server listenForWorkers(RouterOptions options) {
        try {
            return ControlPlane.listen(
                    options.cluster().host(),
                    options.cluster().port(),
                    options.cluster().token(),
                    List.of(new RegistryService(registry).bindService()));
        } catch (RuntimeException e) {
            closeVertx();
            background.close();
            throw e;
        }
    }

    private int listenForClients(RouterOptions options) {
        try {
            return front.listen(options.http().host(), options.http().port());
        } catch (RuntimeException e) {
            control.shutdownNow();
            closeVertx();
            background.close();
            throw e;
        }
    }

    private void sweep() {
        try {
            registry.sweep();
        } catch (RuntimeException e) {
            LOG.error("the sweep of leases failed", e);
        }
    }

    private void gauges(DispatchMeters meters, AcceptGuard guard) {
        meters.gauge("baton_router_running", "Requests that run", admission::running);
        meters.gauge("baton_router_waiting", "Requests that wait", admission::waiting);
        meters.gauge("baton_router_connections", "Open client connections", guard::open);
        meters.gauge(
                "baton_router_in_house",
                "Requests parsed, waiting or running",
                front::requestsInHouse);
        meters.gauge(
                "baton_router_workers",
                "Workers with a lease",
                () -> registry.pools().stream().mapToInt(pool -> pool.workers().size()).sum());
        meters.gauge(
                "baton_router_servable_pools",
                "Models that can be served",
                () -> registry.pools().stream().filter(PoolView::isServable).count());
    }

    private static String version() {
        String version = RouterServer.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    /** Where clients connect. */
    public URI uri() {
        String host = options.http().host();
        String shown = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return URI.create("http://%s:%d".formatted(shown, httpPort));
    }

    /** The port for clients. */
    public int httpPort() {
        return httpPort;
    }

    /** {@code host:port} where workers join. */
    public String controlAddress() {
        String host = options.cluster().host();
        String shown = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return "%s:%d".formatted(shown, control.getPort());
    }

    /** Models and workers of the moment. */
    public List<PoolView> pools() {
        return registry.pools();
    }

    /** Waits until a model can be served; false if none could in time. */
    public boolean awaitServable(Duration timeout) throws InterruptedException {
        return await(timeout, () -> registry.pools().stream().anyMatch(PoolView::isServable));
    }

    /**
     * Takes no new requests and waits for the open ones.
     *
     * @return whether all ended in the drain time
     */
    public boolean drain() throws InterruptedException {
        draining = true;
        boolean empty = await(options.drain(), () -> front.requestsInHouse() == 0);
        if (!empty) {
            LOG.warn(
                    "{} requests had not ended after {}", front.requestsInHouse(), options.drain());
        }
        return empty;
    }

    private static boolean await(Duration timeout, BooleanSupplier done)
            throws InterruptedException {
        long end = System.nanoTime() + timeout.toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end >= 0) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        return true;
    }

    /** Ends all requests, connections and leases. */
    @Override
    public void close() {
        draining = true;
        sweeper.shutdownNow();
        admission.close();
        registry.close();
        front.close();
        closeVertx();
        control.shutdownNow();
        background.shutdownNow();
    }

    private void closeVertx() {
        try {
            vertx.close()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("Vert.x did not close cleanly: {}", e.toString());
        }
    }
}

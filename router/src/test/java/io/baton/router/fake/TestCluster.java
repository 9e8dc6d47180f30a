package io.baton.router.fake;

import io.baton.common.proto.Role;
import io.baton.common.worker.ClusterToken;
import io.baton.router.RouterOptions;
import io.baton.router.RouterServer;
import io.baton.router.http.HttpLimits;
import io.baton.router.registry.ServedText;
import io.baton.router.route.RouteConfig;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real router on loopback with fake workers, and a client. */
public final class TestCluster implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration WAIT = Duration.ofSeconds(20);

    private final RouterServer router;
    private final FakeTransfers transfers = new FakeTransfers();
    private final List<FakeWorker> workers = new ArrayList<>();
    private final HttpClient client =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(WAIT)
                    .build();

    private TestCluster(RouterServer router) {
        this.router = router;
    }

    /** A router without workers. */
    public static TestCluster start(Path state, UnaryOperator<RouterOptions> change) {
        return new TestCluster(RouterServer.start(change.apply(options(state))));
    }

    /** One colocated worker called {@code w}, ready. */
    public static TestCluster colocated(Path state) throws InterruptedException {
        return colocated(state, options -> options);
    }

    /** One colocated worker called {@code w}, ready. */
    public static TestCluster colocated(Path state, UnaryOperator<RouterOptions> change)
            throws InterruptedException {
        TestCluster cluster = start(state, change);
        cluster.add("w", Role.ROLE_COLOCATED);
        cluster.awaitWorkers(1);
        return cluster;
    }

    /** Options with short times and no local prefill of short prompts. */
    public static RouterOptions options(Path state) {
        return new RouterOptions(
                new RouterOptions.Http(
                        "127.0.0.1",
                        0,
                        new HttpLimits(
                                64 << 10,
                                8 << 10,
                                TimeUnit.MILLISECONDS.toNanos(600),
                                TimeUnit.MILLISECONDS.toNanos(600),
                                TimeUnit.SECONDS.toNanos(5),
                                TimeUnit.SECONDS.toNanos(20),
                                TimeUnit.MILLISECONDS.toNanos(500),
                                200,
                                64,
                                16),
                        ServedText.Wishes.NONE),
                new RouterOptions.Access(
                        List.of(), false, Optional.empty(), Optional.empty(), state, List.of()),
                new RouterOptions.Cluster(
                        "127.0.0.1",
                        0,
                        ClusterToken.none(),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(2)),
                new RouteConfig(0, 8, 1, 1000, 0.02),
                new RouterOptions.Work(
                        32,
                        32,
                        Duration.ofSeconds(20),
                        Duration.ofSeconds(2),
                        3,
                        0.2,
                        1000,
                        100,
                        false,
                        Duration.ZERO),
                Duration.ofSeconds(5));
    }

    public RouterServer router() {
        return router;
    }

    public FakeTransfers transfers() {
        return transfers;
    }

    /** Starts a worker, which joins on its own. */
    public FakeWorker add(String id, Role role) {
        return add(FakeWorker.Identity.of(id, role));
    }

    /** Starts a worker, which joins on its own. */
    public FakeWorker add(FakeWorker.Identity identity) {
        FakeWorker worker = new FakeWorker(router.controlAddress(), identity, transfers);
        workers.add(worker);
        return worker;
    }

    public FakeWorker worker(String id) {
        return workers.stream().filter(worker -> worker.id().equals(id)).findFirst().orElseThrow();
    }

    /** Waits until so many workers hold a lease and a model can be served. */
    public void awaitWorkers(int count) throws InterruptedException {
        if (!router.awaitServable(WAIT)) {
            throw new AssertionError("nothing can be served");
        }
        awaitTrue(
                () -> router.pools().stream().mapToInt(p -> p.workers().size()).sum() == count,
                count + " workers");
    }

    /** Waits for a condition that another thread brings about. */
    public static void awaitTrue(java.util.function.BooleanSupplier condition, String what)
            throws InterruptedException {
        long end = System.nanoTime() + WAIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("waited in vain for " + what);
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    public HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(router.uri() + path))
                .timeout(WAIT)
                .header("Content-Type", "application/json");
    }

    public HttpResponse<String> send(HttpRequest request) throws Exception {
        return client.send(request, BodyHandlers.ofString());
    }

    public HttpResponse<String> get(String path) throws Exception {
        return send(request(path).GET().build());
    }

    public HttpResponse<String> post(String path, String body) throws Exception {
        return send(request(path).POST(BodyPublishers.ofString(body)).build());
    }

    /** A chat request for {@code tokens} tokens. */
    public static String chat(int tokens, String extra) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,\"max_tokens\":%d%s}"
                .formatted(tokens, extra.isEmpty() ? "" : "," + extra);
    }

    public static JsonNode json(String text) {
        return JSON.readTree(text);
    }

    /** The data of a stream's events, in order. */
    public static List<String> events(String stream) {
        return stream.lines()
                .filter(line -> line.startsWith("data: "))
                .map(line -> line.substring(6))
                .toList();
    }

    @Override
    public void close() {
        workers.forEach(FakeWorker::close);
        router.close();
        client.close();
    }
}

package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.Endpoint;
import io.baton.router.http.Gate.Guard;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server: HTTP/1.1, HTTP/2 by prior knowledge and by upgrade, its paths, and the errors of
 * the protocol itself in OpenAI's shape.
 */
public final class HttpFront {
    private static final Logger LOG = LoggerFactory.getLogger(HttpFront.class);
    private static final int MAX_LINE_BYTES = 4096;
    private static final int MAX_HTTP2_STREAMS = 256;
    private static final long START_SECONDS = 30;
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
    private static final Pattern TRACEPARENT =
            Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    /** Where a path leads. */
    private record Route(HttpMethod method, Guard guard, Consumer<Exchange> handler) {}

    /** What a front works with. */
    public record Parts(
            Endpoints endpoints,
            ApiKeys keys,
            ApiKeys adminToken,
            boolean openMetrics,
            HttpLimits limits,
            RandomGenerator random) {}

    private final Parts parts;
    private final Gate gate;
    private final BodyReader bodies;
    private final Connections connections;
    private final Semaphore house;
    private final Map<String, Route> routes;
    private final HttpServer server;

    public HttpFront(Vertx vertx, Parts parts) {
        this.parts = parts;
        this.gate = new Gate(parts.keys(), parts.adminToken());
        this.bodies = new BodyReader(vertx, parts.limits());
        this.connections = new Connections(vertx, parts.limits());
        this.house = new Semaphore(parts.limits().maxInHouse());
        this.routes = routes(parts.endpoints());
        this.server =
                vertx.createHttpServer(options(parts.limits()))
                        .connectionHandler(connections::opened)
                        .invalidRequestHandler(this::invalid)
                        .exceptionHandler(e -> LOG.debug("connection failed: {}", e.toString()))
                        .requestHandler(this::handle);
    }

    private static HttpServerOptions options(HttpLimits limits) {
        // Connections with a request in them are bounded by the request's own deadline.
        long idle = limits.requestNanos() + limits.idleNanos();
        return new HttpServerOptions()
                .setMaxHeaderSize(limits.maxHeaderBytes())
                .setMaxInitialLineLength(MAX_LINE_BYTES)
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                .setIdleTimeout(
                        (int) Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(idle)))
                .setHandle100ContinueAutomatically(true)
                .setDecompressionSupported(false)
                .setHttp2ClearTextEnabled(true)
                .setTcpNoDelay(true)
                .setInitialSettings(
                        new Http2Settings()
                                .setMaxConcurrentStreams(MAX_HTTP2_STREAMS)
                                .setMaxHeaderListSize(limits.maxHeaderBytes()));
    }

    private Map<String, Route> routes(Endpoints to) {
        return Map.ofEntries(
                post(Endpoint.CHAT.path(), (x, body) -> to.generate(Endpoint.CHAT, x, body)),
                post(
                        Endpoint.COMPLETIONS.path(),
                        (x, body) -> to.generate(Endpoint.COMPLETIONS, x, body)),
                post("/tokenize", (x, body) -> x.json(to.text().tokenize(body))),
                post("/detokenize", (x, body) -> x.json(to.text().detokenize(body))),
                get("/v1/models", Guard.KEY, to::models),
                get("/health", Guard.OPEN, to::ready),
                get("/readyz", Guard.OPEN, to::ready),
                get("/livez", Guard.OPEN, to::live),
                get("/version", Guard.OPEN, to::version),
                get("/metrics", parts.openMetrics() ? Guard.OPEN : Guard.KEY, to::metrics),
                get("/admin/workers", Guard.ADMIN, to::workers));
    }

    private static Map.Entry<String, Route> get(
            String path, Guard guard, Consumer<Exchange> handler) {
        return Map.entry(path, new Route(HttpMethod.GET, guard, handler));
    }

    /** Serves a body on a virtual thread. */
    @FunctionalInterface
    private interface BodyHandler {
        void handle(Exchange exchange, byte[] body);
    }

    private Map.Entry<String, Route> post(String path, BodyHandler handler) {
        Consumer<Exchange> read =
                exchange -> bodies.read(exchange, body -> inHouse(exchange, body, handler));
        return Map.entry(path, new Route(HttpMethod.POST, Guard.KEY, read));
    }

    /** Starts to listen; returns the port. */
    public int listen(String host, int port) {
        try {
            return server.listen(port, host)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(START_SECONDS, TimeUnit.SECONDS)
                    .actualPort();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unusable(host, port, e);
        } catch (ExecutionException | TimeoutException e) {
            throw unusable(host, port, e);
        }
    }

    private static BatonException unusable(String host, int port, Exception e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "cannot listen on %s:%d: %s; choose another --port or --host"
                        .formatted(host, port, cause.getMessage()),
                "http.port",
                e);
    }

    /** Requests that are parsed, wait or run now. */
    public int requestsInHouse() {
        return parts.limits().maxInHouse() - house.availablePermits();
    }

    private void handle(HttpServerRequest request) {
        connections.began(request.connection());
        Context context = Vertx.currentContext();
        if (context == null) {
            throw new IllegalStateException("Vert.x calls handlers on a context");
        }
        Exchange exchange = exchange(request, context);
        request.response().endHandler(v -> connections.ended(request.connection()));
        try {
            Cors.apply(request);
            requireRequestId(request);
            if (request.method() == HttpMethod.OPTIONS) {
                Cors.preflight(request);
                exchange.answer(200, "text/plain", new byte[0]);
                return;
            }
            Route route = route(request);
            exchange.tenant(gate.check(route.guard(), request));
            route.handler().accept(exchange);
        } catch (BatonException e) {
            parts.endpoints().refused(e.code());
            exchange.fail(e);
        } catch (RuntimeException e) {
            LOG.error("request {} failed in the router's own code", exchange.id(), e);
            exchange.fail(new BatonException(ErrorCode.INTERNAL, "the router failed; see its log"));
        }
    }

    private Exchange exchange(HttpServerRequest request, Context context) {
        String id = request.getHeader("X-Request-Id");
        if (id == null || !REQUEST_ID.matcher(id).matches()) {
            id = "req-%016x".formatted(parts.random().nextLong());
        }
        String trace = request.getHeader("traceparent");
        boolean valid = trace != null && TRACEPARENT.matcher(trace).matches();
        return new Exchange(request, context, id, valid ? trace : "");
    }

    private static void requireRequestId(HttpServerRequest request) {
        String id = request.getHeader("X-Request-Id");
        if (id != null && !REQUEST_ID.matcher(id).matches()) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "the X-Request-Id header must be 1 to 128 of A-Z a-z 0-9 . _ : -",
                    "X-Request-Id");
        }
    }

    private Route route(HttpServerRequest request) {
        String path = request.path() == null ? "" : request.path();
        Route route = routes.get(path);
        if (route == null) {
            route =
                    parts.endpoints()
                            .lookup(path)
                            .map(
                                    found ->
                                            new Route(
                                                    HttpMethod.GET,
                                                    found.admin() ? Guard.ADMIN : Guard.KEY,
                                                    found.handler()))
                            .orElseThrow(
                                    () ->
                                            new BatonException(
                                                    ErrorCode.NOT_FOUND,
                                                    "there is nothing at this path; see docs/api.md"));
        }
        boolean head = request.method() == HttpMethod.HEAD && route.method() == HttpMethod.GET;
        if (request.method() != route.method() && !head) {
            request.response().putHeader("Allow", route.method().name());
            throw new BatonException(
                    ErrorCode.METHOD_NOT_ALLOWED,
                    "this path takes %s only".formatted(route.method().name()));
        }
        return route;
    }

    private void inHouse(Exchange exchange, byte[] body, BodyHandler handler) {
        if (!house.tryAcquire()) {
            parts.endpoints().refused(ErrorCode.QUEUE_FULL);
            exchange.fail(
                    new BatonException(
                            ErrorCode.QUEUE_FULL,
                            "the router has %d requests in house, which is the limit; try again later"
                                    .formatted(parts.limits().maxInHouse())));
            return;
        }
        try {
            Thread.ofVirtual().name(exchange.id()).start(() -> serve(exchange, body, handler));
        } catch (RejectedExecutionException e) {
            house.release();
            exchange.fail(new BatonException(ErrorCode.DRAINING, "the router stops", null, e));
        }
    }

    private void serve(Exchange exchange, byte[] body, BodyHandler handler) {
        try {
            handler.handle(exchange, body);
        } catch (BatonException e) {
            parts.endpoints().refused(e.code());
            exchange.fail(e);
        } catch (RuntimeException e) {
            LOG.error("request {} failed in the router's own code", exchange.id(), e);
            exchange.fail(new BatonException(ErrorCode.INTERNAL, "the router failed; see its log"));
        } finally {
            house.release();
        }
    }

    /** The protocol was violated: what follows in the connection cannot be trusted. */
    private void invalid(HttpServerRequest request) {
        Context context = Vertx.currentContext();
        if (context == null) {
            request.connection().close();
            return;
        }
        Throwable cause = request.decoderResult().cause();
        BatonException error =
                cause instanceof TooLongHttpHeaderException
                        ? new BatonException(
                                ErrorCode.HEADERS_TOO_LARGE,
                                "the headers have more than %d bytes (http.max-header)"
                                        .formatted(parts.limits().maxHeaderBytes()))
                        : cause instanceof TooLongHttpLineException
                                ? new BatonException(
                                        ErrorCode.HEADERS_TOO_LARGE,
                                        "the request line has more than %d bytes"
                                                .formatted(MAX_LINE_BYTES))
                                : new BatonException(
                                        ErrorCode.INVALID_REQUEST,
                                        "the bytes are not a valid HTTP request");
        parts.endpoints().refused(error.code());
        exchange(request, context).fail(error, true);
    }

    /** Ends the server and all connections. */
    public void close() {
        try {
            server.close()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(START_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("the HTTP server did not close cleanly: {}", e.toString());
        }
    }
}

package io.baton.common.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * A worker's own small port: {@code /metrics} in Prometheus' text format and {@code /livez}. On
 * other than loopback, metrics ask for the cluster token as {@code Authorization: Bearer}.
 */
public final class AdminServer implements AutoCloseable {
    private static final int BACKLOG = 16;

    // The JDK's server takes its bounds from system properties, before its first use. A client that
    // sends or reads nothing holds a connection and a virtual thread, for ten seconds at most.
    static {
        bound("jdk.httpserver.maxConnections", 64);
        bound("sun.net.httpserver.maxReqTime", 10);
        bound("sun.net.httpserver.maxRspTime", 10);
    }

    private final HttpServer server;
    private final ExecutorService executor;

    private AdminServer(HttpServer server, ExecutorService executor) {
        this.server = server;
        this.executor = executor;
    }

    /** What the port shows. */
    public record Sources(Supplier<String> metrics, BooleanSupplier alive) {}

    /**
     * Starts it.
     *
     * @param port 0 for any free one
     * @throws BatonException CONFIGURATION if the address cannot be used
     */
    public static AdminServer start(String host, int port, ClusterToken token, Sources sources) {
        token.requireFor(host);
        try {
            HttpServer server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getByName(host), port), BACKLOG);
            ExecutorService executor =
                    Executors.newThreadPerTaskExecutor(
                            Thread.ofVirtual().name("baton-admin-", 0).factory());
            server.setExecutor(executor);
            boolean guarded = !ClusterToken.isLoopback(host);
            server.createContext(
                    "/metrics",
                    exchange -> {
                        if (guarded && !token.accepts(bearer(exchange))) {
                            answer(exchange, 401, "the cluster token is missing or wrong\n");
                        } else {
                            answer(exchange, 200, sources.metrics().get());
                        }
                    });
            server.createContext(
                    "/livez",
                    exchange -> {
                        boolean alive = sources.alive().getAsBoolean();
                        answer(exchange, alive ? 200 : 503, alive ? "ok\n" : "stuck\n");
                    });
            server.start();
            return new AdminServer(server, executor);
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the admin port %s:%d cannot be used: %s; choose another or -1 for none"
                            .formatted(host, port, e.getMessage()),
                    "admin.port",
                    e);
        }
    }

    private static void bound(String property, int value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, String.valueOf(value));
        }
    }

    /** The port it listens on. */
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        executor.shutdownNow();
    }

    private static String bearer(HttpExchange exchange) {
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        return header != null && header.startsWith("Bearer ") ? header.substring(7) : "";
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        try (exchange) {
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4");
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}

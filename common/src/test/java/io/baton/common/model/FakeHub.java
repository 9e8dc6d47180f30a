package io.baton.common.model;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A model hub on loopback: resolve addresses redirect to a second host name, as the real one's. */
final class FakeHub implements AutoCloseable {
    /** What was asked: method, path, range, whether a token came. */
    record Request(String method, String path, Optional<String> range, boolean token) {}

    final List<Request> requests = new CopyOnWriteArrayList<>();
    volatile byte[] file;
    volatile String etag;
    volatile boolean ranges = true;
    volatile boolean lieAboutRange;
    volatile boolean stallHalfway;
    volatile int status = 200;
    volatile String listing = "{}";

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);

    FakeHub(byte[] file) throws IOException {
        this.file = file;
        this.etag = Sha256.hex(java.lang.foreign.MemorySegment.ofArray(file));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    long downloads() {
        return requests.stream()
                .filter(r -> r.method().equals("GET") && r.path().startsWith("/cdn"))
                .count();
    }

    private void handle(HttpExchange exchange) {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            Optional<String> range =
                    Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"));
            boolean token = exchange.getRequestHeaders().containsKey("Authorization");
            requests.add(new Request(exchange.getRequestMethod(), path, range, token));
            if (status != 200) {
                exchange.sendResponseHeaders(status, -1);
            } else if (path.startsWith("/api/models/")) {
                send(exchange, 200, listing.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            } else if (path.startsWith("/cdn")) {
                serve(exchange, range);
            } else {
                exchange.getResponseHeaders().set("X-Linked-Etag", '"' + etag + '"');
                exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(file.length));
                exchange.getResponseHeaders()
                        .set(
                                "Location",
                                "http://localhost:%d/cdn".formatted(server.getAddress().getPort()));
                exchange.sendResponseHeaders(302, -1);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void serve(HttpExchange exchange, Optional<String> range) throws IOException {
        if (range.isEmpty() || !ranges) {
            send(exchange, 200, file);
            return;
        }
        int from = Integer.parseInt(range.get().replaceAll("\\D", ""));
        exchange.getResponseHeaders()
                .set(
                        "Content-Range",
                        "bytes %d-%d/%d"
                                .formatted(lieAboutRange ? 0 : from, file.length - 1, file.length));
        send(exchange, 206, Arrays.copyOfRange(file, from, file.length));
    }

    private void send(HttpExchange exchange, int code, byte[] body) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
            exchange.sendResponseHeaders(code, -1);
            return;
        }
        exchange.sendResponseHeaders(code, body.length);
        if (stallHalfway) {
            exchange.getResponseBody().write(body, 0, body.length / 2);
            exchange.getResponseBody().flush();
            await();
            return;
        }
        exchange.getResponseBody().write(body);
    }

    private void await() {
        try {
            closing.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.close();
    }
}

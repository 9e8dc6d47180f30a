package io.baton.router.http;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which web pages may call: those of this server and of this machine. */
final class Cors {
    private static final Set<String> LOCAL = Set.of("localhost", "127.0.0.1", "[::1]");

    private Cors() {}

    /** Adds the headers that let an allowed page read the answer. */
    static void apply(HttpServerRequest request) {
        String origin = request.getHeader("Origin");
        HttpServerResponse response = request.response();
        if (origin == null) {
            return;
        }
        response.putHeader("Vary", "Origin");
        if (isAllowed(origin, request.getHeader("Host"))) {
            response.putHeader("Access-Control-Allow-Origin", origin)
                    .putHeader("Access-Control-Expose-Headers", "X-Request-Id, X-Baton-Ledger");
        }
    }

    /** Adds the headers that answer a preflight. */
    static void preflight(HttpServerRequest request) {
        request.response()
                .putHeader("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
                .putHeader(
                        "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, X-Api-Key, X-Request-Id, X-Baton-Ledger, traceparent")
                .putHeader("Access-Control-Max-Age", "600");
    }

    static boolean isAllowed(String origin, @Nullable String host) {
        try {
            URI uri = new URI(origin);
            String name = uri.getHost();
            return name != null
                    && (LOCAL.contains(name) || (host != null && host.equals(uri.getAuthority())));
        } catch (URISyntaxException e) {
            return false;
        }
    }
}

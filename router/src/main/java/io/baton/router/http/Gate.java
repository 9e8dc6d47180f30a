package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who may do what. Immutable; never blocks. */
final class Gate {
    private static final Set<String> KEY_PARAMETERS =
            Set.of("api_key", "api-key", "apikey", "key", "token", "access_token", "x-api-key");
    private static final String BEARER = "bearer ";

    /** What a path asks of its caller. */
    enum Guard {
        /** Nothing: probes. */
        OPEN,
        /** An API key, if any are set. */
        KEY,
        /** The admin token, or without one a loopback connection and an API key if any are set. */
        ADMIN
    }

    private final ApiKeys keys;
    private final ApiKeys adminToken;

    Gate(ApiKeys keys, ApiKeys adminToken) {
        this.keys = keys;
        this.adminToken = adminToken;
    }

    /**
     * The tenant behind a request.
     *
     * @throws BatonException INVALID_API_KEY, PERMISSION_DENIED, INVALID_VALUE for a key in the URL
     */
    String check(Guard guard, HttpServerRequest request) {
        refuseKeyInUrl(request);
        String presented = presented(request);
        return switch (guard) {
            case OPEN -> ApiKeys.ANONYMOUS;
            case KEY -> tenant(keys, presented);
            case ADMIN -> {
                if (adminToken.areSet()) {
                    yield tenant(adminToken, presented);
                }
                if (!isLoopback(request.remoteAddress())) {
                    throw new BatonException(
                            ErrorCode.PERMISSION_DENIED,
                            "/admin answers on loopback connections alone; set admin.token to reach it from elsewhere");
                }
                yield tenant(keys, presented);
            }
        };
    }

    private static String tenant(ApiKeys keys, @Nullable String presented) {
        return keys.tenant(presented)
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.INVALID_API_KEY,
                                        presented == null
                                                ? "an API key is needed: send Authorization: Bearer KEY, or X-Api-Key"
                                                : "the API key is wrong"));
    }

    private static @Nullable String presented(HttpServerRequest request) {
        String authorization = request.getHeader("Authorization");
        if (authorization != null && authorization.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            return authorization.substring(BEARER.length()).strip();
        }
        return request.getHeader("X-Api-Key");
    }

    private static void refuseKeyInUrl(HttpServerRequest request) {
        String query = request.query();
        if (query == null) {
            return;
        }
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            String name = equals < 0 ? pair : pair.substring(0, equals);
            if (KEY_PARAMETERS.contains(name.toLowerCase(Locale.ROOT))) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "keys in a URL end up in logs; send Authorization: Bearer KEY, or X-Api-Key",
                        name);
            }
        }
    }

    private static boolean isLoopback(@Nullable SocketAddress address) {
        String host = address == null ? null : address.hostAddress();
        if (host == null) {
            return false;
        }
        try {
            // A literal address: no name is looked up.
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}

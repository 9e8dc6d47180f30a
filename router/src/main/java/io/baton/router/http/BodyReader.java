package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads a JSON body within its limits of type, size and time. Runs on the request's event loop. */
final class BodyReader {
    private final Vertx vertx;
    private final HttpLimits limits;

    BodyReader(Vertx vertx, HttpLimits limits) {
        this.vertx = vertx;
        this.limits = limits;
    }

    /** Reads the body and hands it over, or answers with an error. */
    void read(Exchange exchange, Consumer<byte[]> then) {
        HttpServerRequest request = exchange.request();
        BatonException refused = refusal(request);
        if (refused != null) {
            exchange.fail(refused, refused.code() == ErrorCode.BODY_TOO_LARGE);
            return;
        }
        Buffer body = Buffer.buffer();
        long timer =
                vertx.setTimer(
                        Math.max(1, TimeUnit.NANOSECONDS.toMillis(limits.bodyNanos())),
                        id -> exchange.fail(late(), true));
        boolean[] over = new boolean[1];
        request.handler(
                chunk -> {
                    if (over[0]) {
                        return;
                    }
                    if (body.length() + chunk.length() > limits.maxBodyBytes()) {
                        over[0] = true;
                        vertx.cancelTimer(timer);
                        exchange.fail(tooLarge(), true);
                        return;
                    }
                    body.appendBuffer(chunk);
                });
        request.endHandler(
                v -> {
                    vertx.cancelTimer(timer);
                    if (!over[0]) {
                        then.accept(body.getBytes());
                    }
                });
        exchange.gone().thenRun(() -> vertx.cancelTimer(timer));
    }

    private @Nullable BatonException refusal(HttpServerRequest request) {
        String encoding = request.getHeader("Content-Encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            return new BatonException(
                    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                    "compressed bodies are not taken; send the JSON as it is");
        }
        String type = request.getHeader("Content-Type");
        if (type == null || !isJson(type)) {
            return new BatonException(
                    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                    "the body must be JSON: send Content-Type: application/json");
        }
        String length = request.getHeader("Content-Length");
        if (length != null && isLarger(length)) {
            return tooLarge();
        }
        return null;
    }

    private static boolean isJson(String type) {
        String[] parts = type.toLowerCase(Locale.ROOT).split(";", -1);
        boolean utf8 = true;
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            utf8 &= !parameter.startsWith("charset=") || parameter.equals("charset=utf-8");
        }
        return utf8 && parts[0].strip().equals("application/json");
    }

    private boolean isLarger(String length) {
        try {
            return Long.parseLong(length.strip()) > limits.maxBodyBytes();
        } catch (NumberFormatException e) {
            return true;
        }
    }

    private BatonException tooLarge() {
        return new BatonException(
                ErrorCode.BODY_TOO_LARGE,
                "the body has more than %d bytes, which is the limit (http.max-body)"
                        .formatted(limits.maxBodyBytes()));
    }

    private BatonException late() {
        return new BatonException(
                ErrorCode.REQUEST_TIMEOUT,
                "the body did not arrive within %d ms (http.body-timeout)"
                        .formatted(TimeUnit.NANOSECONDS.toMillis(limits.bodyNanos())));
    }
}

package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.OpenAiJson;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One HTTP request and its answer, which is given exactly once. Methods may be called from any
 * thread; what touches Vert.x runs on the request's context.
 */
final class Exchange {
    private static final String RETRY_AFTER_SECONDS = "1";

    private final HttpServerRequest request;
    private final Context context;
    private final String id;
    private final String traceparent;
    private final AtomicBoolean answered = new AtomicBoolean();
    private final CompletableFuture<Void> gone = new CompletableFuture<>();
    private String tenant = ApiKeys.ANONYMOUS;

    Exchange(HttpServerRequest request, Context context, String id, String traceparent) {
        this.request = request;
        this.context = context;
        this.id = id;
        this.traceparent = traceparent;
        HttpServerResponse response = request.response();
        response.closeHandler(v -> gone.complete(null));
        response.exceptionHandler(e -> gone.complete(null));
        request.exceptionHandler(e -> gone.complete(null));
        response.putHeader("X-Request-Id", id);
    }

    HttpServerRequest request() {
        return request;
    }

    String id() {
        return id;
    }

    /** W3C trace context, empty if the client sent none. */
    String traceparent() {
        return traceparent;
    }

    String tenant() {
        return tenant;
    }

    void tenant(String known) {
        tenant = known;
    }

    /** Completes when the client is gone before its answer was complete. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    /** Answers with JSON. */
    void json(byte[] body) {
        answer(200, "application/json", body);
    }

    /** Answers as a whole. */
    void answer(int status, String contentType, byte[] body) {
        if (answered.compareAndSet(false, true)) {
            context.runOnContext(v -> send(status, contentType, body, false));
        }
    }

    /** Sets a header of the answer; before answering. */
    void header(String name, String value) {
        context.runOnContext(v -> putHeader(name, value));
    }

    private void putHeader(String name, String value) {
        if (!request.response().headWritten() && !request.response().closed()) {
            request.response().putHeader(name, value);
        }
    }

    /** Answers with an error in OpenAI's shape; the connection stays usable. */
    void fail(BatonException error) {
        fail(error, false);
    }

    /**
     * Answers with an error.
     *
     * @param close whether the connection ends, as what follows in it cannot be trusted
     */
    void fail(BatonException error, boolean close) {
        if (!answered.compareAndSet(false, true)) {
            return;
        }
        ErrorCode code = error.code();
        context.runOnContext(
                v -> {
                    if (code.status() == 429 || code.status() == 503) {
                        putHeader("Retry-After", RETRY_AFTER_SECONDS);
                    }
                    if (code.status() == 401) {
                        putHeader("WWW-Authenticate", "Bearer");
                    }
                    send(code.status(), "application/json", OpenAiJson.error(error), close);
                });
    }

    /** Takes the right to answer as a stream; false if an answer was given. */
    boolean beginStream() {
        return answered.compareAndSet(false, true);
    }

    Context context() {
        return context;
    }

    private void send(int status, String contentType, byte[] body, boolean close) {
        HttpServerResponse response = request.response();
        if (response.closed() || response.ended()) {
            return;
        }
        boolean http1 = request.version() != HttpVersion.HTTP_2;
        response.setStatusCode(status).putHeader(HttpHeaders.CONTENT_TYPE, contentType);
        if (close && http1) {
            response.putHeader(HttpHeaders.CONNECTION, "close");
        }
        var sent =
                request.method() == HttpMethod.HEAD
                        ? response.end()
                        : response.end(Buffer.buffer(body));
        if (close && http1) {
            sent.onComplete(done -> request.connection().close());
        }
    }
}

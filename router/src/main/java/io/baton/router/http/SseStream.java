package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Server-sent events to one client. Frames are written whole. At most {@value #MAX_PENDING_BYTES}
 * bytes wait for the client; then the writer waits, and after 30 seconds without progress the
 * client is dropped. Writers are virtual threads, one at a time.
 */
final class SseStream {
    static final int MAX_PENDING_BYTES = 256 << 10;

    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

    private final Exchange exchange;
    private final long stallNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition drained = lock.newCondition();
    private long pendingBytes;
    private boolean opened;
    private boolean closed;

    SseStream(Exchange exchange, long stallNanos) {
        this.exchange = exchange;
        this.stallNanos = stallNanos;
        exchange.gone().thenRun(this::clientGone);
    }

    /** Whether anything was written: from then on errors are frames. */
    boolean isOpen() {
        lock.lock();
        try {
            return opened;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes one JSON document as an event.
     *
     * @throws BatonException CLIENT_CLOSED if the client is gone or does not read
     */
    void event(byte[] json) {
        Buffer frame = Buffer.buffer(json.length + DATA.length + END.length);
        frame.appendBytes(DATA).appendBytes(json).appendBytes(END);
        write(frame);
    }

    /** Writes a comment, which clients skip. */
    void comment(String text) {
        write(Buffer.buffer(": " + text.replace('\n', ' ') + "\n\n"));
    }

    /** Writes the end mark and ends the answer. */
    void done() {
        event(DONE);
        exchange.context().runOnContext(v -> end());
    }

    private void end() {
        HttpServerResponse response = exchange.request().response();
        if (!response.closed() && !response.ended()) {
            response.end();
        }
    }

    private void write(Buffer frame) {
        lock.lock();
        try {
            awaitRoom();
            pendingBytes += frame.length();
            boolean first = !opened;
            if (first && !exchange.beginStream()) {
                throw new IllegalStateException("the request was answered already");
            }
            opened = true;
            exchange.context().runOnContext(v -> send(frame, first));
        } finally {
            lock.unlock();
        }
    }

    private void awaitRoom() {
        long left = stallNanos;
        try {
            while (!closed && pendingBytes >= MAX_PENDING_BYTES) {
                if (left <= 0) {
                    drop();
                    throw new BatonException(
                            ErrorCode.CLIENT_CLOSED,
                            "the client did not read for %d ms and was dropped (http.slow-client-timeout)"
                                    .formatted(TimeUnit.NANOSECONDS.toMillis(stallNanos)));
                }
                left = drained.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BatonException(ErrorCode.DRAINING, "the router stops", null, e);
        }
        if (closed) {
            throw new BatonException(ErrorCode.CLIENT_CLOSED, "the client has gone");
        }
    }

    private void drop() {
        closed = true;
        exchange.context()
                .runOnContext(
                        v -> {
                            HttpServerResponse response = exchange.request().response();
                            if (!response.ended()) {
                                response.reset();
                            }
                        });
    }

    private void send(Buffer frame, boolean first) {
        HttpServerResponse response = exchange.request().response();
        if (response.closed()) {
            written(frame.length());
            return;
        }
        if (first) {
            response.setChunked(true)
                    .setStatusCode(200)
                    .putHeader("Content-Type", "text/event-stream; charset=utf-8")
                    .putHeader("Cache-Control", "no-cache")
                    .putHeader("X-Accel-Buffering", "no");
        }
        response.write(frame).onComplete(done -> written(frame.length()));
    }

    private void written(int bytes) {
        lock.lock();
        try {
            pendingBytes -= bytes;
            drained.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void clientGone() {
        lock.lock();
        try {
            closed = true;
            drained.signalAll();
        } finally {
            lock.unlock();
        }
    }
}

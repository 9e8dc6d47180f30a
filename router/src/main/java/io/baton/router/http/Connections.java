package io.baton.router.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Bounds connections in time once they have brought a request: one without a request in it ends
 * after the idle deadline, so slow headers of a later request cost a connection for at most that
 * long. The first request is {@link AcceptGuard}'s. Safe for any thread.
 */
final class Connections {
    private final Vertx vertx;
    private final HttpLimits limits;
    private final Map<HttpConnection, State> states = new ConcurrentHashMap<>();

    private static final class State {
        int active;
        long timer = -1;
        boolean closed;
    }

    Connections(Vertx vertx, HttpLimits limits) {
        this.vertx = vertx;
        this.limits = limits;
    }

    void opened(HttpConnection connection) {
        State state = new State();
        states.put(connection, state);
        connection.closeHandler(v -> closed(connection, state));
        arm(connection, state, limits.headerNanos());
    }

    void began(HttpConnection connection) {
        State state = states.get(connection);
        if (state == null) {
            return;
        }
        synchronized (state) {
            state.active++;
            vertx.cancelTimer(state.timer);
        }
    }

    void ended(HttpConnection connection) {
        State state = states.get(connection);
        if (state == null) {
            return;
        }
        synchronized (state) {
            state.active--;
            if (state.active > 0 || state.closed) {
                return;
            }
        }
        arm(connection, state, limits.idleNanos());
    }

    private void closed(HttpConnection connection, State state) {
        states.remove(connection);
        synchronized (state) {
            state.closed = true;
            vertx.cancelTimer(state.timer);
        }
    }

    private void arm(HttpConnection connection, State state, long nanos) {
        synchronized (state) {
            vertx.cancelTimer(state.timer);
            state.timer =
                    vertx.setTimer(
                            Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)),
                            id -> expire(connection, state));
        }
    }

    private static void expire(HttpConnection connection, State state) {
        synchronized (state) {
            if (state.active > 0) {
                return;
            }
        }
        connection.close();
    }
}

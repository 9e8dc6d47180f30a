package io.baton.router.http;

/**
 * Bounds of the HTTP side.
 *
 * @param headerNanos for a request's headers to arrive, from the connection's start
 * @param bodyNanos for its body
 * @param idleNanos a connection without a request in it is closed after this
 * @param stallNanos a client that reads nothing of its full stream buffer for so long is dropped
 * @param maxInHouse requests parsed, waiting or running at a time
 * @param maxChoices largest {@code n}
 */
public record HttpLimits(
        int maxBodyBytes,
        int maxHeaderBytes,
        long headerNanos,
        long bodyNanos,
        long idleNanos,
        long requestNanos,
        long stallNanos,
        int maxConnections,
        int maxInHouse,
        int maxChoices) {}

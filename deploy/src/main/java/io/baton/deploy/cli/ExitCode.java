package io.baton.deploy.cli;

import io.baton.common.error.BatonException;

/** The program's exit statuses. */
final class ExitCode {
    static final int OK = 0;
    static final int RUNTIME = 1;
    static final int USAGE = 2;
    static final int CONFIGURATION = 3;
    static final int UNAVAILABLE = 4;

    private ExitCode() {}

    /** The status that tells a script what kind of error it was. */
    static int of(BatonException error) {
        return switch (error.code()) {
            case CONFIGURATION, HANDSHAKE_MISMATCH, MODEL_FILE_INVALID, NO_CHAT_TEMPLATE ->
                    CONFIGURATION;
            case NO_WORKER, KV_POOL_EXHAUSTED, OVERLOADED, DRAINING, MODEL_NOT_FOUND, NOT_FOUND ->
                    UNAVAILABLE;
            case UNKNOWN_PARAMETER, UNSUPPORTED_PARAMETER, INVALID_VALUE -> USAGE;
            case INVALID_REQUEST,
                    CONTEXT_LENGTH_EXCEEDED,
                    INVALID_API_KEY,
                    PERMISSION_DENIED,
                    METHOD_NOT_ALLOWED,
                    REQUEST_TIMEOUT,
                    BODY_TOO_LARGE,
                    UNSUPPORTED_MEDIA_TYPE,
                    HEADERS_TOO_LARGE,
                    RATE_LIMITED,
                    QUEUE_FULL,
                    CLIENT_CLOSED,
                    INTERNAL,
                    WORKER_LOST,
                    KV_TRANSFER_FAILED,
                    STALE_EPOCH,
                    DEADLINE_EXCEEDED ->
                    RUNTIME;
        };
    }
}

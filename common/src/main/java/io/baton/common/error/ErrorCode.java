package io.baton.common.error;

/**
 * The closed list of errors a caller can see: HTTP status, OpenAI error {@code type},
 * machine-readable {@code code} and whether the same request may succeed when sent again. The
 * counter label of a code is its {@link #code()}.
 */
public enum ErrorCode {
    INVALID_REQUEST(400, "invalid_request_error", "invalid_request", false),
    UNSUPPORTED_PARAMETER(400, "invalid_request_error", "unsupported_parameter", false),
    UNKNOWN_PARAMETER(400, "invalid_request_error", "unknown_parameter", false),
    INVALID_VALUE(400, "invalid_request_error", "invalid_value", false),
    CONTEXT_LENGTH_EXCEEDED(400, "invalid_request_error", "context_length_exceeded", false),
    NO_CHAT_TEMPLATE(400, "invalid_request_error", "no_chat_template", false),
    INVALID_API_KEY(401, "authentication_error", "invalid_api_key", false),
    PERMISSION_DENIED(403, "permission_error", "permission_denied", false),
    MODEL_NOT_FOUND(404, "not_found_error", "model_not_found", false),
    NOT_FOUND(404, "not_found_error", "not_found", false),
    METHOD_NOT_ALLOWED(405, "invalid_request_error", "method_not_allowed", false),
    REQUEST_TIMEOUT(408, "invalid_request_error", "request_timeout", true),
    BODY_TOO_LARGE(413, "invalid_request_error", "body_too_large", false),
    UNSUPPORTED_MEDIA_TYPE(415, "invalid_request_error", "unsupported_media_type", false),
    HEADERS_TOO_LARGE(431, "invalid_request_error", "headers_too_large", false),
    RATE_LIMITED(429, "rate_limit_error", "rate_limited", true),
    QUEUE_FULL(429, "rate_limit_error", "queue_full", true),
    CLIENT_CLOSED(499, "invalid_request_error", "client_closed", false),
    INTERNAL(500, "server_error", "internal_error", true),
    WORKER_LOST(500, "server_error", "worker_lost", true),
    KV_TRANSFER_FAILED(500, "server_error", "kv_transfer_failed", true),
    HANDSHAKE_MISMATCH(500, "server_error", "handshake_mismatch", false),
    STALE_EPOCH(500, "server_error", "stale_epoch", false),
    MODEL_FILE_INVALID(500, "server_error", "model_file_invalid", false),
    CONFIGURATION(500, "server_error", "configuration", false),
    NO_WORKER(503, "overloaded_error", "no_worker", true),
    KV_POOL_EXHAUSTED(503, "overloaded_error", "kv_pool_exhausted", true),
    OVERLOADED(503, "overloaded_error", "overloaded", true),
    DRAINING(503, "overloaded_error", "draining", true),
    DEADLINE_EXCEEDED(504, "server_error", "deadline_exceeded", true);

    private final int status;
    private final String type;
    private final String code;
    private final boolean retryable;

    ErrorCode(int status, String type, String code, boolean retryable) {
        this.status = status;
        this.type = type;
        this.code = code;
        this.retryable = retryable;
    }

    /** HTTP status. */
    public int status() {
        return status;
    }

    /** The {@code error.type} of OpenAI's error object. */
    public String type() {
        return type;
    }

    /**
     * The {@code error.code} of OpenAI's error object, the wire name between roles and the counter
     * label.
     */
    public String code() {
        return code;
    }

    /** Whether the same request may succeed later or elsewhere. */
    public boolean retryable() {
        return retryable;
    }

    /** The code with this wire name, {@link #INTERNAL} for one this version does not know. */
    public static ErrorCode ofWire(String code) {
        for (ErrorCode candidate : values()) {
            if (candidate.code.equals(code)) {
                return candidate;
            }
        }
        return INTERNAL;
    }
}

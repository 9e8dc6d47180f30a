package io.baton.common.error;

import org.jspecify.annotations.Nullable;

/**
 * An error with a code. The message says what happened, the limit that was met, and what to do.
 * {@link #param()} names the request field or configuration key at fault, where there is one.
 */
public final class BatonException extends RuntimeException {
    private final ErrorCode code;
    private final @Nullable String param;

    public BatonException(ErrorCode code, String message) {
        this(code, message, null, null);
    }

    public BatonException(ErrorCode code, String message, @Nullable String param) {
        this(code, message, param, null);
    }

    public BatonException(
            ErrorCode code, String message, @Nullable String param, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.param = param;
    }

    public ErrorCode code() {
        return code;
    }

    public @Nullable String param() {
        return param;
    }

    /** The message, never null. */
    public String text() {
        String message = getMessage();
        return message == null ? code.code() : message;
    }
}

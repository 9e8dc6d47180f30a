package io.baton.kernels.c;

/** The native library cannot run here. The message is one line: why, and what to do about it. */
public final class NativeUnavailable extends Exception {
    private static final long serialVersionUID = 1;

    NativeUnavailable(String message) {
        super(message);
    }

    NativeUnavailable(String message, Throwable cause) {
        super(message, cause);
    }
}

package io.baton.common.model;

/** One source could not give the file; the next one may. The message stands in the final error. */
final class PullFailed extends Exception {
    private static final long serialVersionUID = 1;

    PullFailed(String message) {
        super(message);
    }

    PullFailed(String message, Throwable cause) {
        super(message, cause);
    }
}

package io.baton.common.grammar;

import io.baton.common.error.ErrorCode;
import java.io.Serial;

/** A constraint that is not taken; {@link Grammars} tells the caller which parameter it came in. */
final class Refusal extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    private Refusal(ErrorCode code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    /** What was said is wrong, or too large. */
    static Refusal invalid(String message) {
        return new Refusal(ErrorCode.INVALID_VALUE, message);
    }

    /** What was said is right, but not supported here. */
    static Refusal unsupported(String message) {
        return new Refusal(ErrorCode.UNSUPPORTED_PARAMETER, message);
    }

    /** The same, saying where. */
    Refusal in(String where) {
        return new Refusal(code, where + ": " + getMessage());
    }

    ErrorCode code() {
        return code;
    }
}

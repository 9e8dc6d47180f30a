package io.baton.common.generation;

/** Why an answer ended. */
public enum FinishReason {
    /** An end token, a stop token or a stop text. */
    STOP("stop"),
    /** {@code max_tokens} or the context length was reached. */
    LENGTH("length"),
    /** The answer calls tools; said by the router, which finds the calls, never by a worker. */
    TOOL_CALLS("tool_calls");

    private final String wire;

    FinishReason(String wire) {
        this.wire = wire;
    }

    /** OpenAI's spelling. */
    public String wire() {
        return wire;
    }
}

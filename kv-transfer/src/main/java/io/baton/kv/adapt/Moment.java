package io.baton.kv.adapt;

/**
 * What is known when a chunk is to be decided.
 *
 * @param nowNanos reading of the owner's clock
 * @param budgetNanos time left until all KV should be with the receiver; may be negative
 * @param here the sender's part
 * @param way what is on its way
 * @param receiverTokensPerSecond the receiver's measured prefill speed; 0 if it is unknown or the
 *     receiver shall not compute
 */
public record Moment(
        long nowNanos, long budgetNanos, Here here, Way way, double receiverTokensPerSecond) {
    /**
     * @param tokensLeft tokens that no decision was made for
     * @param tokensToCompute of them, those that are not computed yet
     * @param tokensPerSecond the sender's measured prefill speed; 0 if it is unknown
     */
    public record Here(int tokensLeft, int tokensToCompute, double tokensPerSecond) {}

    /**
     * @param tokens decided, and not acknowledged
     * @param bytes of them, coded
     * @param waitedNanos since the last acknowledgement, or since the first of them left
     */
    public record Way(int tokens, long bytes, long waitedNanos) {
        /** Nothing is on its way. */
        public static final Way CLEAR = new Way(0, 0, 0);
    }
}

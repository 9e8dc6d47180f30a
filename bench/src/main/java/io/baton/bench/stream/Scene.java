package io.baton.bench.stream;

import io.baton.kv.adapt.Rung;
import java.util.List;

/**
 * What does not change within a case.
 *
 * @param tokens of the prompt
 * @param chunkTokens tokens of a chunk
 * @param bytesPerToken raw KV of a token
 * @param prefillTokensPerSecond of the sender; infinite where its KV is cached
 * @param receiverTokensPerSecond prefill speed of the receiver; 0 if it shall not compute
 * @param limitNanos limit for the time to first token
 * @param latencyNanos one way
 * @param rungs ways to send, finest first, with the speed of all coding threads together
 */
record Scene(
        int tokens,
        int chunkTokens,
        double bytesPerToken,
        double prefillTokensPerSecond,
        double receiverTokensPerSecond,
        long limitNanos,
        long latencyNanos,
        List<Rung> rungs) {
    /** From a decision for text to the receiver's first step: two messages through the router. */
    static final long TEXT_DELAY_NANOS = 5_000_000;

    Scene {
        rungs = List.copyOf(rungs);
    }

    int chunks() {
        return Math.ceilDiv(tokens, chunkTokens);
    }

    int tokensOf(int chunk) {
        return Math.min(chunkTokens, tokens - chunk * chunkTokens);
    }

    /** Time to compute so many tokens at a speed; 0 where they are there. */
    static long computeNanos(int tokens, double tokensPerSecond) {
        return Double.isInfinite(tokensPerSecond) ? 0 : (long) (tokens / tokensPerSecond * 1e9);
    }
}

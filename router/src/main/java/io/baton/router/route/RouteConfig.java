package io.baton.router.route;

/**
 * Constants of the policy.
 *
 * @param localPrefillTokens a decoder prefills at most so many uncached tokens itself
 * @param localPrefillQueue no local prefill at a decoder with more running sequences, while there
 *     is a prefiller
 * @param prefixWeight worth of a held token against a token of work
 * @param assumedPrefillTokensPerSecond while a worker has measured nothing
 * @param assumedDecodeSecondsPerToken while a worker has measured nothing
 */
public record RouteConfig(
        int localPrefillTokens,
        int localPrefillQueue,
        double prefixWeight,
        double assumedPrefillTokensPerSecond,
        double assumedDecodeSecondsPerToken) {
    /** 64 tokens, 8 running, weight 1, 1000 tokens/s, 20 ms a token. */
    public static RouteConfig defaults() {
        return new RouteConfig(64, 8, 1, 1000, 0.02);
    }
}

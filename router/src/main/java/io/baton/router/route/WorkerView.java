package io.baton.router.route;

/**
 * One worker as a decision sees it.
 *
 * @param kvForm workers with equal text may exchange KV and keep answers bit-identical: layout,
 *     chunk size, key format and numeric profile
 * @param sameness {@code exact} or {@code tolerant}
 * @param obstacle why it takes nothing new (draining, breaker open); empty if it does
 */
public record WorkerView(
        String id,
        long incarnation,
        WorkerRole role,
        String kvForm,
        String sameness,
        int blockTokens,
        String obstacle,
        Load load) {
    /**
     * How busy it is: what it last reported, or what this router has sent it, whichever is more.
     *
     * @param maxSequences sequences it computes at a time
     * @param running sequences it computes
     * @param waiting sequences that wait at it
     * @param waitingPrefillTokens prompt tokens in its queue, not yet computed
     * @param freeBlocks blocks that are free or can be freed by eviction
     * @param prefillTokensPerSecond measured; 0 while unknown
     * @param decodeSecondsPerToken measured; 0 while unknown
     */
    public record Load(
            int maxSequences,
            int running,
            int waiting,
            long waitingPrefillTokens,
            int freeBlocks,
            double prefillTokensPerSecond,
            double decodeSecondsPerToken) {}

    /** Whether it takes new work. */
    public boolean accepting() {
        return obstacle.isEmpty();
    }
}

package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.TokenOutput;

/**
 * The engine's thread and its queue: what the roles use. Safe for any thread.
 *
 * <p>Three ways through it:
 *
 * <ul>
 *   <li>prefiller: {@link #reserve}, {@link #prefill} with {@code thenDecode = false}, read layers
 *       as the listener hears of them, close the reservation when all is sent;
 *   <li>decoder: {@link #reserve}, write the blocks that arrive, {@link #decode};
 *   <li>local prefill: {@link #reserve}, {@link #prefill} with {@code thenDecode = true}.
 * </ul>
 */
public interface EngineLoop extends AutoCloseable {
    /** The model served, with what registration and limits need. */
    ModelConfig config();

    /**
     * Takes blocks for the known tokens. A full prefix hit leaves at least the last known token to
     * compute.
     *
     * @throws BatonException KV_POOL_EXHAUSTED when the pool has no room now;
     *     CONTEXT_LENGTH_EXCEEDED when it can never fit
     */
    Reservation reserve(SequenceSpec spec);

    /**
     * Queues the known tokens that the reservation does not hold for prefill, then samples the next
     * token.
     *
     * @param thenDecode whether to go on generating here, until a stop or {@code maxTokens}; if
     *     false the sequence ends after its first sampled token without {@code onFinished}, unless
     *     that token ends the answer
     */
    void prefill(Reservation reservation, SequenceListener listener, boolean thenDecode);

    /**
     * Goes on from KV that was written into the reservation: all known tokens are filled and {@code
     * next} was sampled elsewhere. The listener hears {@code next} first (not sampled again), then
     * the tokens that follow.
     */
    void decode(Reservation reservation, TokenOutput next, SequenceListener listener);

    /**
     * As {@link #decode}, where only the tokens that the reservation holds are filled: the others
     * are computed first. The listener hears {@code next} before that.
     */
    void resume(Reservation reservation, TokenOutput next, SequenceListener listener);

    /**
     * Ends a sequence at once; its listener hears nothing more, save a call already under way on
     * the engine's thread. Its blocks are freed by closing the reservation.
     */
    void cancel(Reservation reservation);

    /** A consistent view for heartbeats, metrics and tests. */
    Stats stats();

    /**
     * @param poolBlocks blocks in the pool
     * @param freeBlocks blocks that hold nothing, or only cached KV that may be evicted
     * @param cachedBlocks of the free blocks, those that still hold reusable KV
     * @param reservedBlocks blocks of reservations that no step runs on yet
     * @param activeBlocks blocks of sequences being prefilled or decoded
     * @param running sequences in the current batch
     * @param waiting sequences queued
     * @param waitingPrefillTokens tokens of queued and running sequences still to be prefilled
     * @param steps steps run since the start
     */
    record Stats(
            int poolBlocks,
            int freeBlocks,
            int cachedBlocks,
            int reservedBlocks,
            int activeBlocks,
            int running,
            int waiting,
            long waitingPrefillTokens,
            long steps) {}

    /** Totals since the start, for metrics. Only ever grow. */
    Counters counters();

    /**
     * @param prefillTokens tokens computed in spans of more than one row
     * @param decodeTokens tokens computed in rows of their own
     * @param reusedTokens known tokens found in the pool at reservation
     * @param sampledTokens tokens sampled
     * @param preemptions times a sequence lost its blocks to another and was queued again
     * @param failures sequences that ended with an error of the engine
     * @param stepNanos time spent in steps, forward pass and sampling
     * @param draftedTokens tokens guessed and verified; in {@code decodeTokens}, too
     * @param acceptedTokens of them, those that were right
     */
    record Counters(
            long prefillTokens,
            long decodeTokens,
            long reusedTokens,
            long sampledTokens,
            long preemptions,
            long failures,
            long stepNanos,
            long draftedTokens,
            long acceptedTokens) {}

    /** Forgets all cached prefixes that no sequence uses. */
    void clearCache();

    /**
     * Refuses new work, lets running sequences end for at most {@code nanos}, then fails what is
     * left with DRAINING.
     */
    void drain(long nanos);

    @Override
    void close();
}

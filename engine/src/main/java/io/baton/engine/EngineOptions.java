package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;

/**
 * The sizes and bounds of one engine.
 *
 * @param name of the engine's thread, such as {@code prefiller-1}
 * @param poolBlocks blocks of the KV pool
 * @param kvDtype element format of the pool
 * @param maxModelLength tokens a sequence may have, prompt and answer together; cut to what the
 *     model and the pool can hold
 * @param maxStepTokens rows of one step; also bounds how long a step runs, and so how long a
 *     cancelled sequence in a mixed batch holds its blocks
 * @param maxSequences sequences that a step serves; at most {@code maxStepTokens}
 * @param maxReservations reservations that may be open
 * @param chunkTokens spans end at multiples of it; a multiple of the block
 * @param policy who goes first and how far; answers do not depend on it
 */
public record EngineOptions(
        String name,
        int poolBlocks,
        KvDtype kvDtype,
        int maxModelLength,
        int maxStepTokens,
        int maxSequences,
        int maxReservations,
        int chunkTokens,
        Policy policy) {
    /** Tokens per block of the pool. */
    public static final int BLOCK_TOKENS = 16;

    /**
     * Who goes first and how far.
     *
     * @param patienceTokens tokens for which a priority is passed over at most
     * @param decodeStretch what a step with prefill in it may take, against its decode rows alone
     * @param draftTokens tokens guessed at most and verified in one step; 0 for none
     * @param share of the processors' time while other engines on the same kernels compute too,
     *     relative to theirs
     */
    public record Policy(long patienceTokens, double decodeStretch, int draftTokens, double share) {
        public Policy {
            require(patienceTokens > 0, "patience must be at least one token");
            require(decodeStretch > 1, "a step with prefill takes longer than one without");
            require(draftTokens >= 0, "no fewer than 0 tokens can be guessed");
            require(share > 0, "an engine needs a share of the processors");
        }

        /** 16,384 tokens, 2.4 times, no guesses, share 1. */
        public static Policy usual() {
            return new Policy(16_384, 2.4, 0, 1);
        }
    }

    public EngineOptions {
        require(poolBlocks > 0, "the KV pool must hold at least one block of 16 tokens");
        require(maxModelLength > 0, "the model length must be at least 1");
        require(maxStepTokens > 0, "a step must have room for at least one token");
        require(
                maxSequences > 0 && maxSequences <= maxStepTokens,
                "%d sequences do not fit into steps of %d tokens: every running sequence needs a row"
                        .formatted(maxSequences, maxStepTokens));
        require(maxReservations > 0, "at least one reservation must be allowed");
        require(
                chunkTokens > 0 && chunkTokens % BLOCK_TOKENS == 0,
                "a chunk of %d tokens is not a multiple of the block, %d"
                        .formatted(chunkTokens, BLOCK_TOKENS));
    }

    /** The usual policy. */
    public EngineOptions(
            String name,
            int poolBlocks,
            KvDtype kvDtype,
            int maxModelLength,
            int maxStepTokens,
            int maxSequences,
            int maxReservations,
            int chunkTokens) {
        this(
                name,
                poolBlocks,
                kvDtype,
                maxModelLength,
                maxStepTokens,
                maxSequences,
                maxReservations,
                chunkTokens,
                Policy.usual());
    }

    /** The usual bounds around a pool. */
    public static EngineOptions of(
            String name, int poolBlocks, KvDtype kvDtype, int maxModelLength) {
        return new EngineOptions(name, poolBlocks, kvDtype, maxModelLength, 512, 64, 1024, 256);
    }

    /** Whole blocks that fit into {@code poolBytes}. */
    public static int blocksIn(long poolBytes, KvLayout layout) {
        return (int) Math.min(Integer.MAX_VALUE, poolBytes / layout.blockBytes());
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new BatonException(ErrorCode.CONFIGURATION, message);
        }
    }
}

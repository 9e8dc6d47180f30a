package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.ChunkKey;
import io.baton.engine.KvPool.Use;
import io.baton.engine.Scheduler.Limits;
import java.util.Arrays;
import java.util.List;

/**
 * Gives sequences blocks of the pool and takes them back, and makes full ones findable. The
 * scheduler's own; not safe for several threads.
 */
final class SequenceBlocks {
    private final KvPool pool;
    private final int blockTokens;

    SequenceBlocks(KvPool pool, Limits limits) {
        this.pool = pool;
        this.blockTokens = limits.blockTokens();
    }

    int needed(int tokens) {
        return Math.ceilDiv(tokens, blockTokens);
    }

    /**
     * Blocks for a new sequence's known tokens.
     *
     * @param spare blocks that must remain for others
     * @return the blocks to be zeroed
     */
    int[] reserve(Sequence sequence, int spare) {
        int count = needed(sequence.known);
        if (count > pool.blocks()) {
            throw new IllegalStateException("the length limit lets in more than the pool holds");
        }
        KvPool.Taken taken = pool.take(reusableKeys(sequence), count, spare, Use.RESERVED);
        if (taken == null) {
            throw new BatonException(
                    ErrorCode.KV_POOL_EXHAUSTED,
                    "%s needs %d KV blocks, %d of %d are available. Try again later, or give the pool more memory (--kv-pool)."
                            .formatted(sequence.spec.id(), count, pool.available(), pool.blocks()));
        }
        sequence.setBlocks(taken.blocks());
        sequence.heldTokens = taken.held() * blockTokens;
        sequence.computed = sequence.heldTokens;
        sequence.announced = sequence.heldTokens;
        sequence.publishedBlocks = taken.held();
        return Arrays.copyOfRange(taken.blocks(), taken.held(), count);
    }

    /** Keys of the full blocks that need not be computed if they are found. */
    List<ChunkKey> reusableKeys(Sequence sequence) {
        return sequence.keysUpTo(sequence.reusable() / blockTokens);
    }

    /** Steps run on the blocks from now on. */
    void activate(Sequence sequence) {
        if (sequence.use == Use.RESERVED) {
            pool.activate(sequence.blocks());
            sequence.use = Use.ACTIVE;
        }
    }

    /**
     * Blocks for a preempted sequence: all its tokens, so that it isn't preempted right away.
     *
     * @return whether there was room
     */
    boolean takeAgain(Sequence sequence, int spare, List<Integer> newBlocks) {
        int count = needed(sequence.size());
        KvPool.Taken taken = pool.take(reusableKeys(sequence), count, spare, Use.ACTIVE);
        if (taken == null) {
            return false;
        }
        sequence.use = Use.ACTIVE;
        sequence.setBlocks(taken.blocks());
        sequence.computed = taken.held() * blockTokens;
        sequence.publishedBlocks = taken.held();
        for (int i = taken.held(); i < count; i++) {
            newBlocks.add(taken.blocks()[i]);
        }
        return true;
    }

    /**
     * Room for so many tokens, as far as blocks that nobody holds go.
     *
     * @param spare blocks that must remain for others
     * @return tokens that there is room for
     */
    int grow(Sequence sequence, int tokens, int spare, List<Integer> newBlocks) {
        int count = needed(tokens);
        while (sequence.blocks().length < count) {
            KvPool.Taken taken = pool.take(List.of(), 1, spare, sequence.use);
            if (taken == null) {
                break;
            }
            int[] old = sequence.blocks();
            int[] table = Arrays.copyOf(old, old.length + 1);
            table[old.length] = taken.blocks()[0];
            sequence.setBlocks(table);
            newBlocks.add(table[old.length]);
        }
        return sequence.blocks().length * blockTokens;
    }

    /** Makes full blocks findable that are not yet. */
    void publish(Sequence sequence) {
        int full = sequence.computed / blockTokens;
        List<ChunkKey> keys = sequence.keysUpTo(full);
        for (int i = sequence.publishedBlocks; i < full; i++) {
            pool.publish(keys.get(i), sequence.blocks()[i]);
        }
        sequence.publishedBlocks = full;
    }

    /** Takes all blocks away. */
    int[] drop(Sequence sequence) {
        int[] dropped = sequence.dropBlocks();
        sequence.computed = 0;
        sequence.publishedBlocks = 0;
        pool.release(dropped, sequence.use);
        return dropped;
    }
}

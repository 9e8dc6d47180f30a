package io.baton.engine;

import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Where a preempted sequence's KV may wait, and where it may come back from. Called on the engine's
 * thread between steps, so every call holds up all sequences: copy and return. What is not brought
 * back is computed again, which gives the same bits.
 */
public interface KvParking {
    /** Parks nothing: preempted sequences are computed again. */
    KvParking NONE =
            new KvParking() {
                @Override
                public void park(List<ChunkKey> keys, Source source) {}

                @Override
                public int restore(List<ChunkKey> keys, int from, Target target) {
                    return 0;
                }
            };

    /** A sequence's full blocks in the pool; valid during the call. */
    interface Source {
        KvLayout layout();

        /**
         * Copies one layer of consecutive blocks out of the pool.
         *
         * @param firstBlock index in the sequence
         * @param target a multiple of {@code layout.blockLayerBytes()}; as many blocks are copied
         */
        void read(int layer, int firstBlock, MemorySegment target);
    }

    /** A sequence's empty blocks in the pool; valid during the call. */
    interface Target {
        KvLayout layout();

        /** As {@link Source#read}, into the pool. */
        void write(int layer, int firstBlock, MemorySegment source);
    }

    /**
     * A sequence is about to lose its blocks. An error that is thrown is logged; the sequence is
     * then computed again.
     *
     * @param keys of its full blocks, block i under key i; all layers of them are final, and no KV
     *     of a guessed token that turned out wrong is among them
     */
    void park(List<ChunkKey> keys, Source source);

    /**
     * A preempted sequence has blocks again. Writes every layer of consecutive blocks from {@code
     * from} on, bit for bit as they were parked or not at all.
     *
     * @param keys of the blocks that may be brought back
     * @param from blocks before it were found in the pool
     * @return how many blocks from {@code from} on are written; an error that is thrown is logged
     *     and taken as none
     */
    int restore(List<ChunkKey> keys, int from, Target target);
}

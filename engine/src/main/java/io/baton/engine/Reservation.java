package io.baton.engine;

import io.baton.common.kv.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sequence's place in the pool: blocks for its known tokens, of which the first {@link
 * #heldTokens()} are already filled (prefix reuse). Safe for any thread. Closing frees the blocks
 * once the engine no longer uses them; closing twice is harmless.
 */
public interface Reservation extends AutoCloseable {
    SequenceSpec spec();

    KvLayout layout();

    /**
     * Known tokens whose KV was found in the pool, or kept by {@link #keepWritten}; a multiple of
     * the block.
     */
    int heldTokens();

    /**
     * Copies one layer of consecutive blocks out of the pool.
     *
     * @param firstBlock index in the sequence
     * @param target a multiple of {@code layout.blockLayerBytes()}; as many blocks are copied
     */
    void read(int layer, int firstBlock, MemorySegment target);

    /**
     * Copies one layer of consecutive blocks into the pool. Refused (IllegalStateException) for
     * held blocks, after {@link EngineLoop#decode} and after close.
     */
    void write(int layer, int firstBlock, MemorySegment source);

    /**
     * The memory that {@link #write} would copy to, block by block, for a writer of its own, who
     * ends before the place is closed and then says {@link #written}. Null where the pool is not in
     * the host's memory. Refused as {@link #write} is.
     */
    default @Nullable List<MemorySegment> room(int layer, int firstBlock, int blocks) {
        return null;
    }

    /** One layer of consecutive blocks was written to its {@link #room}. Refused as a write. */
    default void written(int layer, int firstBlock, int blocks) {
        throw new IllegalStateException("no room was given");
    }

    /**
     * Counts the first {@code tokens} as held from here on, so that a prefill begins after them.
     * They are whole blocks, every layer of them was found or written and verified, and they leave
     * at least the last known token to compute.
     *
     * @throws IllegalStateException if that is not so, or the engine was started on it
     */
    void keepWritten(int tokens);

    @Override
    void close();
}

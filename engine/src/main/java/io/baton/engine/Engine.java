package io.baton.engine;

import io.baton.kernels.Batch;
import io.baton.kernels.KvPages;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * One forward pass at a time over a paged KV pool. Owned by one thread.
 *
 * <p>Exactness (E0): a sequence's logits and KV depend on its tokens alone, bit for bit.
 */
public interface Engine extends AutoCloseable {
    ModelConfig config();

    /** The pool's memory, for export and import of blocks. */
    KvPages pages();

    /**
     * Runs one step: writes the KV of every row, and computes logits for the rows named by the
     * plan.
     *
     * @param listener {@link LayerListener#NONE} if nobody needs to hear: the step then runs as one
     *     submission
     * @return float32 logits {@code [plan.logitRows().length, vocab]}, valid until the next step;
     *     empty if the listener abandoned the step, whose rows' KV is then undefined
     */
    Optional<MemorySegment> step(StepPlan plan, LayerListener listener);

    /** Sets blocks to zero in all layers, before they are given to a sequence. Any thread. */
    void zeroBlocks(int[] blocks);

    /**
     * @param batch tokens and spans, prefill and decode alike
     * @param logitRows rows whose logits are wanted, ascending
     */
    record StepPlan(Batch batch, int[] logitRows) {}

    /**
     * Hears of each layer when its KV of this step is in the pool, on the engine's thread, in layer
     * order.
     */
    @FunctionalInterface
    interface LayerListener {
        /** Hears nothing and never abandons. */
        LayerListener NONE = layer -> true;

        /**
         * Must not block for long: it holds up the step. Returns false to abandon the step between
         * layers (cancel).
         */
        boolean onLayer(int layer);
    }

    @Override
    void close();
}

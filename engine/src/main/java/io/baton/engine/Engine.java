package io.baton.engine;

import io.baton.kernels.Batch;
import io.baton.kernels.KvPages;
import java.lang.foreign.MemorySegment;

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
     * @return float32 logits {@code [plan.logitRows().length, vocab]}, valid until the next step
     */
    MemorySegment step(StepPlan plan, LayerListener listener);

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
        /**
         * Must not block for long: it holds up the step. Returns false to abandon the step between
         * layers (cancel).
         */
        boolean onLayer(int layer);
    }

    @Override
    void close();
}

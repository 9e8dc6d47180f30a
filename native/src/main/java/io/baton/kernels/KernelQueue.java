package io.baton.kernels;

import io.baton.common.model.RopeTable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An ordered queue of operations on one provider. Operations run in the order given; a CPU provider
 * may collect them and run many in one native call, a device enqueues them. {@link #submit} starts
 * what was collected, {@link #await} returns when it is done. One thread owns a queue.
 *
 * <p>Exactness (class E0): the result of a row depends on that row's inputs, its sequence's KV and
 * the weights alone, never on the other rows, the number of threads, or how a sequence was cut into
 * spans.
 *
 * <p>Rows of tensors are those of the batch given to {@link #begin}, unless an operation says
 * otherwise.
 */
public interface KernelQueue extends AutoCloseable {
    /** Starts a step; the batch stands until the next {@code begin}. */
    void begin(Batch batch);

    /** {@code out[r] = table[token of r] * scale}. */
    void embed(Weight table, float scale, Tensor out);

    /**
     * {@code out[r] = in[r] / sqrt(mean(in[r]^2) + eps) * gain}; {@code in} and {@code out} may be
     * the same.
     */
    void rmsNorm(Tensor in, Weight gain, float eps, Tensor out);

    /**
     * The same over every {@code gain.cols()} consecutive elements of each row, in place: QK norm
     * per head.
     */
    void rmsNormHeads(Tensor inOut, Weight gain, float eps);

    /** {@code out[r] = weight * in[r] + bias}, for each projection, over one input. */
    void matmul(Tensor in, List<Projection> projections);

    /**
     * A weight {@code [out.cols, in.cols]} and where its product goes.
     *
     * @param bias a vector {@code [out.cols]}, added in float32 to each whole product; or null
     */
    record Projection(Weight weight, @Nullable Weight bias, Tensor out) {
        /** A product without bias. */
        public Projection(Weight weight, Tensor out) {
            this(weight, null, out);
        }
    }

    /** {@code inOut[r] += delta[r]}. */
    void add(Tensor inOut, Tensor delta);

    /** Rotates every head of {@code headDim} elements of each row by its position, in place. */
    void rope(Tensor inOut, int headDim, RopeTable table);

    /**
     * Writes each row's K and V (float32, rounded to nearest even) to its position's place in a
     * layer of the pool.
     */
    void storeKv(Tensor k, Tensor v, KvPages pages, int layer);

    /**
     * Causal attention of each row over its sequence's positions in a layer of the pool; float32
     * scores.
     */
    void attention(Tensor q, KvPages pages, int layer, AttentionShape shape, Tensor out);

    /**
     * @param heads query heads; a multiple of the layout's KV heads
     * @param scale factor of the scores
     * @param window how many positions a row sees, itself included; 0 means all before it
     * @param softcap a scaled score s becomes {@code softcap * tanh(s / softcap)} (Gemma 2); 0 for
     *     none
     */
    record AttentionShape(int heads, float scale, int window, float softcap) {
        /** Scores as they are. */
        public AttentionShape(int heads, float scale, int window) {
            this(heads, scale, window, 0f);
        }
    }

    /**
     * {@code out[r] = activation(gate[r]) * up[r]}, element by element. {@code out} may be {@code
     * gate}.
     */
    void gatedUnit(Activation activation, Tensor gate, Tensor up, Tensor out);

    /** The gate's function: {@code x * sigmoid(x)}, or GELU by its tanh approximation. */
    enum Activation {
        SILU,
        GELU_TANH
    }

    /** {@code out[i] = in[rows[i]]}. The tensor {@code out} then holds {@code rows.length} rows. */
    void gather(Tensor in, int[] rows, Tensor out);

    /** As {@link #rmsNorm}, over the first {@code rows} rows, whatever the batch. */
    void rmsNormRows(Tensor in, Weight gain, float eps, Tensor out, int rows);

    /**
     * As {@link #matmul}, over the first {@code rows} rows, whatever the batch: the output head.
     */
    void matmulRows(Tensor in, Projection projection, int rows);

    /**
     * {@code inOut[r] = cap * tanh(inOut[r] / cap)}, element by element over the first {@code rows}
     * rows, whatever the batch: logits of Gemma 2.
     *
     * @param cap above 0
     */
    void softcap(Tensor inOut, float cap, int rows);

    /** Starts everything enqueued so far. */
    void submit();

    /**
     * Waits until everything submitted has run. Results are then visible to {@link Buffer#read}.
     */
    void await();

    @Override
    void close();
}

package io.baton.engine;

import io.baton.common.kv.KvDtype;
import io.baton.kernels.Batch;
import io.baton.kernels.Buffer;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.Kernels;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Shows what a model's attention works on, layer after layer, for a whole text at once: statistics
 * for codecs are made of it. A transformer with a bf16 pool for one sequence and no loop. One
 * thread at a time.
 */
public final class AttentionProbe implements AutoCloseable {
    private final Transformer transformer;
    private final ModelWeights weights;
    private final Kernels kernels;
    private final int[] blocks;
    private final int maxTokens;

    /**
     * One layer of one text, row-major float32; heads lie one after the other in a row. Queries,
     * keys and values are as projected (and normed, where the model does): before rotation.
     *
     * @param rows tokens; row r has position r
     * @param queries {@code [rows, heads * headDim]}
     * @param keys {@code [rows, kvHeads * headDim]}
     * @param values {@code [rows, kvHeads * headDim]}
     * @param output {@code [rows, hidden]}: attention's output projection, before a post norm
     * @param stream {@code [rows, hidden]}: the residual stream after attention
     */
    public record Layer(
            int layer,
            int rows,
            float[] queries,
            float[] keys,
            float[] values,
            float[] output,
            float[] stream) {}

    /** Hears each layer of a text, in order. */
    @FunctionalInterface
    public interface Listener {
        /** The arrays belong to the listener. */
        void layer(Layer layer);
    }

    /**
     * @param maxTokens of the longest text
     */
    public AttentionProbe(ModelWeights weights, Kernels kernels, int maxTokens) {
        this.weights = weights;
        this.kernels = kernels;
        this.maxTokens = maxTokens;
        int count = Math.ceilDiv(maxTokens, EngineOptions.BLOCK_TOKENS);
        blocks = IntStream.range(0, count).toArray();
        transformer =
                Transformer.of(
                        new EngineOptions(
                                "probe", count, KvDtype.BF16, maxTokens, maxTokens, 1, 1, 256),
                        weights,
                        kernels);
    }

    /** The model's shape. */
    public ModelConfig config() {
        return transformer.config();
    }

    /**
     * The pool: block i holds tokens from 16 i on, in the layers of the text that were heard of.
     */
    public KvPages pages() {
        return transformer.pages();
    }

    /** Runs a text as one step. */
    public void run(int[] tokens, Listener listener) {
        if (tokens.length > maxTokens) {
            throw new IllegalArgumentException(
                    "%d tokens, the probe takes %d".formatted(tokens.length, maxTokens));
        }
        float[][] seen = new float[Transformer.Place.values().length][];
        transformer.tap(
                (layer, place, rows) -> {
                    seen[place.ordinal()] = copy(rows, tokens.length);
                    if (place == Transformer.Place.STREAM) {
                        listener.layer(
                                new Layer(
                                        layer,
                                        tokens.length,
                                        seen[0],
                                        seen[1],
                                        seen[2],
                                        seen[3],
                                        seen[4]));
                    }
                });
        Batch batch =
                new Batch(tokens, new Batch.Span[] {new Batch.Span(0, tokens.length, 0, blocks)});
        transformer.step(new Engine.StepPlan(batch, new int[0]), Engine.LayerListener.NONE);
    }

    private static float[] copy(Tensor tensor, int rows) {
        float[] copy = new float[rows * tensor.cols()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * copy.length, 64);
            tensor.buffer().read(0, host);
            MemorySegment.copy(host, ValueLayout.JAVA_FLOAT, 0, copy, 0, copy.length);
        }
        return copy;
    }

    /**
     * A layer's output projection, turned round: row {@code i} is what the {@code i}-th element of
     * the concatenated heads adds to the stream, times the gain of a norm that follows.
     *
     * @return {@code [heads * headDim, hidden]}
     */
    public float[] outputRows(int layer) {
        ModelConfig config = transformer.config();
        int inputs = config.heads() * config.headDim();
        int hidden = config.hidden();
        ModelWeights.Attention part = weights.layers().get(layer).attention();
        float[] rows = new float[inputs * hidden];
        try (KernelQueue queue = kernels.newQueue();
                Buffer in = kernels.allocate(4L * inputs * Math.max(inputs, hidden));
                Buffer out = kernels.allocate(4L * inputs * hidden)) {
            // The products of the unit vectors are the matrix, whatever form a provider keeps.
            Tensor units = new Tensor(in, inputs, inputs);
            Tensor products = new Tensor(out, inputs, hidden);
            write(in, inputs * inputs, i -> i % (inputs + 1) == 0);
            queue.matmulRows(units, new KernelQueue.Projection(part.output(), products), inputs);
            queue.submit();
            queue.await();
            System.arraycopy(copy(products, inputs), 0, rows, 0, rows.length);
            Weight postNorm = part.postNorm();
            if (postNorm != null) {
                write(in, hidden, i -> true);
                queue.rmsNormRows(new Tensor(in, 1, hidden), postNorm, 0f, products, 1);
                queue.submit();
                queue.await();
                float[] gain = copy(products, 1);
                for (int i = 0; i < rows.length; i++) {
                    rows[i] *= gain[i % hidden];
                }
            }
        }
        return rows;
    }

    /** Ones where the place says so, else zeros. */
    private static void write(Buffer buffer, int count, IntPredicate isOne) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * count, 64);
            for (int i = 0; i < count; i++) {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, isOne.test(i) ? 1f : 0f);
            }
            buffer.write(0, host);
        }
    }

    @Override
    public void close() {
        transformer.close();
    }
}

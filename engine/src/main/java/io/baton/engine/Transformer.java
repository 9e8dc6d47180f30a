package io.baton.engine;

import io.baton.common.model.RopeTable;
import io.baton.kernels.Batch;
import io.baton.kernels.Buffer;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.Kernels;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A decoder-only transformer over a paged KV pool: embedding, layers of attention and feed-forward
 * part with a residual stream between them, output head. One forward pass is {@link #step}; read it
 * from top to bottom.
 *
 * <p>Owned by one thread, save {@link #pages} and {@link #zeroBlocks}. Memory is allocated once,
 * for {@code maxRows} rows.
 */
public final class Transformer implements Engine {
    private final ModelConfig config;
    private final ModelWeights weights;
    private final ModelWeights.RopeTables rope;
    private final KernelQueue queue;
    private final KvPages pages;
    private final Arena host = Arena.ofShared();
    private final List<Buffer> buffers = new ArrayList<>();

    // Activations, one row per token: the residual stream, its normalised copy, what a part of a
    // layer adds to the stream, and what is inside the parts.
    private final Tensor stream;
    private final Tensor normed;
    private final Tensor delta;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor attended;
    private final Tensor gate;
    private final Tensor up;

    // One row per wanted row of logits.
    private final Tensor last;
    private final Tensor logits;
    private final MemorySegment hostLogits;
    private @Nullable Tap tap;

    /** Looks inside a layer's attention, on the engine's thread. */
    @FunctionalInterface
    interface Tap {
        /** Rows of the step, awaited; valid during the call. */
        void see(int layer, Place place, Tensor rows);
    }

    /** Where a {@link Tap} looks: the projections before rotation, and what attention gives. */
    enum Place {
        /** {@code [rows, heads * headDim]}. */
        QUERIES,
        /** {@code [rows, kvHeads * headDim]}. */
        KEYS,
        /** {@code [rows, kvHeads * headDim]}. */
        VALUES,
        /** {@code [rows, hidden]}: attention's output projection, before a post norm. */
        OUTPUT,
        /** {@code [rows, hidden]}: the residual stream after attention. */
        STREAM
    }

    private Transformer(EngineOptions options, ModelWeights weights, Kernels kernels) {
        this.weights = weights;
        config = weights.config();
        rope = weights.ropeTables(Math.min(options.maxModelLength(), config.contextLength()));
        var layout = config.kvLayout(options.kvDtype(), EngineOptions.BLOCK_TOKENS);
        long poolBytes = Math.multiplyExact(layout.blockBytes(), (long) options.poolBlocks());
        pages = new KvPages(buffer(kernels, poolBytes), layout, options.poolBlocks());

        int rows = options.maxStepTokens();
        stream = tensor(kernels, rows, config.hidden());
        normed = tensor(kernels, rows, config.hidden());
        delta = tensor(kernels, rows, config.hidden());
        q = tensor(kernels, rows, config.heads() * config.headDim());
        k = tensor(kernels, rows, config.kvHeads() * config.headDim());
        v = tensor(kernels, rows, config.kvHeads() * config.headDim());
        attended = tensor(kernels, rows, config.heads() * config.headDim());
        gate = tensor(kernels, rows, config.ffn());
        up = tensor(kernels, rows, config.ffn());
        last = tensor(kernels, options.maxSequences(), config.hidden());
        logits = tensor(kernels, options.maxSequences(), config.vocab());
        hostLogits =
                logits.buffer()
                        .onHost()
                        .orElseGet(() -> host.allocate(logits.buffer().bytes(), 64));
        queue = kernels.newQueue(options.policy().share());
    }

    /**
     * A transformer with a pool of its own.
     *
     * @param weights loaded by {@code kernels}
     */
    public static Transformer of(EngineOptions options, ModelWeights weights, Kernels kernels) {
        return new Transformer(options, weights, kernels);
    }

    /** Sets who looks inside; steps are slower then. */
    void tap(Tap next) {
        tap = next;
    }

    private void show(int layer, Place place, Tensor rows) {
        if (tap != null) {
            queue.submit();
            queue.await();
            tap.see(layer, place, rows);
        }
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public KvPages pages() {
        return pages;
    }

    @Override
    public Optional<MemorySegment> step(StepPlan plan, LayerListener listener) {
        checkFits(plan);
        queue.begin(plan.batch());
        queue.embed(weights.embedding(), config.embeddingScale(), stream);
        for (int layer = 0; layer < config.layers(); layer++) {
            ModelWeights.Layer w = weights.layers().get(layer);
            attention(layer, w);
            feedForward(w);
            if (listener != LayerListener.NONE) {
                queue.submit();
                queue.await();
                if (!listener.onLayer(layer)) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(head(plan.logitRows()));
    }

    /**
     * {@code stream += Wo attention(rope(Wq x), rope(Wk x), Wv x)}, where {@code x = norm(stream)}.
     */
    private void attention(int layer, ModelWeights.Layer w) {
        RopeTable table = config.isLocal(layer) ? rope.local() : rope.global();
        ModelWeights.Attention part = w.attention();
        queue.rmsNorm(stream, w.attentionNorm(), config.normEps(), normed);
        queue.matmul(normed, List.of(part.q().to(q), part.k().to(k), part.v().to(v)));
        normHeads(q, part.queryNorm());
        normHeads(k, part.keyNorm());
        show(layer, Place.QUERIES, q);
        show(layer, Place.KEYS, k);
        show(layer, Place.VALUES, v);
        queue.rope(q, config.headDim(), table);
        queue.rope(k, config.headDim(), table);
        queue.storeKv(k, v, pages, layer);
        queue.attention(q, pages, layer, config.attentionShape(layer), attended);
        queue.matmul(attended, List.of(new Projection(part.output(), delta)));
        show(layer, Place.OUTPUT, delta);
        addToStream(part.postNorm());
        show(layer, Place.STREAM, stream);
    }

    /** {@code stream += Wdown (act(Wgate x) * Wup x)}, where {@code x = norm(stream)}. */
    private void feedForward(ModelWeights.Layer w) {
        ModelWeights.FeedForward part = w.feedForward();
        queue.rmsNorm(stream, w.ffnNorm(), config.normEps(), normed);
        queue.matmul(
                normed, List.of(new Projection(part.gate(), gate), new Projection(part.up(), up)));
        queue.gatedUnit(config.activation(), gate, up, gate);
        queue.matmul(gate, List.of(new Projection(part.down(), delta)));
        addToStream(part.postNorm());
    }

    private void normHeads(Tensor heads, @Nullable Weight gain) {
        if (gain != null) {
            queue.rmsNormHeads(heads, gain, config.normEps());
        }
    }

    private void addToStream(@Nullable Weight postNorm) {
        if (postNorm != null) {
            queue.rmsNorm(delta, postNorm, config.normEps(), delta);
        }
        queue.add(stream, delta);
    }

    /** {@code Whead norm(stream)}, for the wanted rows alone. */
    private MemorySegment head(int[] rows) {
        if (rows.length > 0) {
            queue.gather(stream, rows, last);
            queue.rmsNormRows(last, weights.outputNorm(), config.normEps(), last, rows.length);
            queue.matmulRows(last, new Projection(weights.head(), logits), rows.length);
            if (config.head().softcap() > 0) {
                queue.softcap(logits, config.head().softcap(), rows.length);
            }
        }
        queue.submit();
        queue.await();
        MemorySegment wanted =
                hostLogits.asSlice(0, (long) rows.length * config.vocab() * Float.BYTES);
        if (logits.buffer().onHost().isEmpty()) {
            logits.buffer().read(0, wanted);
        }
        return wanted;
    }

    private void checkFits(StepPlan plan) {
        Batch batch = plan.batch();
        if (batch.rows() > stream.maxRows() || plan.logitRows().length > logits.maxRows()) {
            throw new IllegalArgumentException(
                    "a step of %d rows and %d logits; this engine takes %d and %d"
                            .formatted(
                                    batch.rows(),
                                    plan.logitRows().length,
                                    stream.maxRows(),
                                    logits.maxRows()));
        }
        for (Batch.Span span : batch.spans()) {
            if (span.firstPosition() + span.rows() > rope.global().positions()) {
                throw new IllegalArgumentException(
                        "position %d is beyond %d"
                                .formatted(
                                        span.firstPosition() + span.rows() - 1,
                                        rope.global().positions()));
            }
        }
    }

    @Override
    public void zeroBlocks(int[] blocks) {
        int bytes = pages.layout().blockLayerBytes();
        for (int layer = 0; layer < config.layers(); layer++) {
            for (int block : blocks) {
                pages.buffer().zero(pages.offset(layer, block), bytes);
            }
        }
    }

    private Tensor tensor(Kernels kernels, int rows, int cols) {
        long bytes = Math.multiplyExact(4L * rows, (long) cols);
        return new Tensor(buffer(kernels, bytes), rows, cols);
    }

    private Buffer buffer(Kernels kernels, long bytes) {
        Buffer buffer = kernels.allocate(bytes);
        buffers.add(buffer);
        return buffer;
    }

    @Override
    public void close() {
        queue.close();
        buffers.forEach(Buffer::close);
        if (host.scope().isAlive()) {
            host.close();
        }
    }
}

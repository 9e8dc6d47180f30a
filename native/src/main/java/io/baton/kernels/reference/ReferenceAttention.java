package io.baton.kernels.reference;

import io.baton.common.kv.KvLayout;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelQueue.AttentionShape;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.KvRows;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Causal softmax attention over paged KV (Vaswani et al., section 3.2.1), one KV head and a tile of
 * rows at a time. Scores are sums over the elements in order, the softmax subtracts the largest
 * score, its sum and the weighted values run over positions in order.
 */
final class ReferenceAttention {
    private static final int TILE_ROWS = 32;

    private final Batch batch;
    private final KvPages pages;
    private final int layer;
    private final AttentionShape shape;
    private final MemorySegment q;
    private final MemorySegment out;

    ReferenceAttention(
            Batch batch, KvPages pages, int layer, AttentionShape shape, Tensor[] queryAndOut) {
        this.batch = batch;
        this.pages = pages;
        this.layer = layer;
        this.shape = shape;
        this.q = HostBuffer.of(queryAndOut[0]);
        this.out = HostBuffer.of(queryAndOut[1]);
    }

    void run(WorkPool pool) {
        int kvHeads = pages.layout().kvHeads();
        for (Batch.Span span : batch.spans()) {
            int tiles = Math.ceilDiv(span.rows(), TILE_ROWS);
            pool.run(
                    tiles * kvHeads,
                    task -> tile(span, task / kvHeads * TILE_ROWS, task % kvHeads));
        }
    }

    /** Rows {@code [from, from + TILE_ROWS)} of a span, all query heads of one KV head. */
    private void tile(Batch.Span span, int from, int kvHead) {
        KvLayout layout = pages.layout();
        int headDim = layout.headDim();
        int group = shape.heads() / layout.kvHeads();
        int to = Math.min(span.rows(), from + TILE_ROWS);
        int base = first(span.firstPosition() + from);
        int positions = span.firstPosition() + to - base;
        float[][] keys = new float[headDim][positions];
        float[][] values = new float[positions][headDim];
        load(span, kvHead, base, positions, keys, values);

        float[] query = new float[headDim];
        float[] scores = new float[positions];
        float[] sums = new float[headDim];
        for (int r = from; r < to; r++) {
            int position = span.firstPosition() + r;
            int low = first(position) - base;
            int count = position + 1 - base - low;
            for (int g = 0; g < group; g++) {
                int head = kvHead * group + g;
                long at = 4L * headDim * ((long) (span.firstRow() + r) * shape.heads() + head);
                MemorySegment.copy(q, ValueLayout.JAVA_FLOAT, at, query, 0, headDim);
                // Scores of positions before the window are computed too, and not looked at.
                int seen = low + count;
                Arrays.fill(scores, 0, seen, 0);
                Accumulate.add(new Accumulate.Terms(keys, 0, headDim, query, 0), scores, seen);
                softmax(scores, low, seen);
                Arrays.fill(sums, 0);
                Accumulate.add(
                        new Accumulate.Terms(values, low, count, scores, low), sums, headDim);
                MemorySegment.copy(sums, 0, out, ValueLayout.JAVA_FLOAT, at, headDim);
            }
        }
    }

    private int first(int position) {
        return shape.window() == 0 ? 0 : Math.max(0, position + 1 - shape.window());
    }

    /** Keys as {@code [headDim][positions]}, values as {@code [positions][headDim]}. */
    private void load(
            Batch.Span span,
            int kvHead,
            int base,
            int positions,
            float[][] keys,
            float[][] values) {
        KvLayout layout = pages.layout();
        MemorySegment pool = HostBuffer.of(pages.buffer());
        int headDim = layout.headDim();
        int blockTokens = layout.blockTokens();
        float[] key = new float[headDim];
        for (int p = 0; p < positions; p++) {
            int position = base + p;
            int block = span.blocks()[position / blockTokens];
            int row = kvHead * blockTokens + position % blockTokens;
            long keyAt = pages.offset(layer, block) + (long) layout.rowBytes() * row;
            KvRows.load(pool.asSlice(keyAt, layout.rowBytes()), layout.dtype(), key);
            long valueAt = keyAt + layout.blockLayerBytes() / 2;
            KvRows.load(pool.asSlice(valueAt, layout.rowBytes()), layout.dtype(), values[p]);
            for (int d = 0; d < headDim; d++) {
                keys[d][p] = key[d];
            }
        }
    }

    /** Over {@code scores[from, to)}. */
    private void softmax(float[] scores, int from, int to) {
        float max = Float.NEGATIVE_INFINITY;
        float cap = shape.softcap();
        for (int i = from; i < to; i++) {
            scores[i] *= shape.scale();
            scores[i] = cap > 0 ? ReferenceQueue.capped(scores[i], cap) : scores[i];
            max = Math.max(max, scores[i]);
        }
        float sum = 0;
        for (int i = from; i < to; i++) {
            scores[i] = (float) StrictMath.exp(scores[i] - max);
            sum += scores[i];
        }
        for (int i = from; i < to; i++) {
            scores[i] /= sum;
        }
    }
}

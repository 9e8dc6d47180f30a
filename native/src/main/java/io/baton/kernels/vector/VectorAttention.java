package io.baton.kernels.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.baton.common.kv.KvLayout;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelQueue.AttentionShape;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.KvRows;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * Causal attention over paged KV. A task is a tile of rows of one span and all query heads of one
 * KV head; keys and values are widened once for all of them, {@value #STEP} positions at a time. A
 * score is a sum over the elements in order (lanes are positions), the softmax and the weighted
 * values run over positions in order (lanes are elements): a row's result depends on its own
 * sequence alone.
 */
final class VectorAttention {
    private static final int STEP = 32;
    private static final int TILE_QUERIES = 32;
    private static final int L = Lanes.COUNT;

    private final Batch batch;
    private final KvPages pages;
    private final int layer;
    private final AttentionShape shape;
    private final MemorySegment q;
    private final MemorySegment out;
    private final int headDim;
    private final int group;

    VectorAttention(
            Batch batch, KvPages pages, int layer, AttentionShape shape, Tensor[] queryAndOut) {
        this.batch = batch;
        this.pages = pages;
        this.layer = layer;
        this.shape = shape;
        this.q = HostBuffer.of(queryAndOut[0]);
        this.out = HostBuffer.of(queryAndOut[1]);
        this.headDim = pages.layout().headDim();
        this.group = shape.heads() / pages.layout().kvHeads();
    }

    private record Tile(Batch.Span span, int from, int to, int kvHead) {}

    void run(WorkPool pool) {
        int tileRows = Math.max(1, TILE_QUERIES / group);
        List<Tile> tiles = new ArrayList<>();
        for (Batch.Span span : batch.spans()) {
            for (int from = 0; from < span.rows(); from += tileRows) {
                int to = Math.min(span.rows(), from + tileRows);
                for (int kvHead = 0; kvHead < pages.layout().kvHeads(); kvHead++) {
                    tiles.add(new Tile(span, from, to, kvHead));
                }
            }
        }
        pool.run(tiles.size(), task -> attend(tiles.get(task)));
    }

    private void attend(Tile tile) {
        int queries = (tile.to() - tile.from()) * group;
        int base = first(position(tile, 0)) / STEP * STEP;
        int end = tile.span().firstPosition() + tile.to();
        int width = Math.ceilDiv(end - base, STEP) * STEP;
        // Columns up to a whole number of vectors are computed and never written out.
        int padded = Math.ceilDiv(headDim, L) * L;
        float[] query = new float[queries * headDim];
        for (int i = 0; i < queries; i++) {
            MemorySegment.copy(q, JAVA_FLOAT, offset(tile, i), query, i * headDim, headDim);
        }
        float[] scores = new float[Math.multiplyExact(queries, width)];
        Loader loader = new Loader(tile, padded);
        for (int at = base; at < end; at += STEP) {
            loader.keys(at, Math.min(end, at + STEP));
            for (int i = 0; i < queries; i++) {
                if (at <= position(tile, i) && at + STEP > first(position(tile, i))) {
                    score(loader.step, query, i * headDim, scores, i * width + at - base);
                }
            }
        }
        for (int i = 0; i < queries; i++) {
            int position = position(tile, i);
            softmax(scores, i * width + first(position) - base, i * width + position + 1 - base);
        }
        float[] sums = new float[queries * padded];
        for (int at = base; at < end; at += STEP) {
            int to = Math.min(end, at + STEP);
            loader.values(at, to);
            for (int i = 0; i < queries; i++) {
                int position = position(tile, i);
                int low = Math.max(first(position), at);
                int high = Math.min(position + 1, to);
                if (low < high) {
                    Weights weights = new Weights(scores, i * width + low - base, low - at);
                    mix(loader.step, padded, weights, high - low, sums, i * padded);
                }
            }
        }
        for (int i = 0; i < queries; i++) {
            MemorySegment.copy(sums, i * padded, out, JAVA_FLOAT, offset(tile, i), headDim);
        }
    }

    /** Queries of a tile: row by row, the group's heads side by side. */
    private int position(Tile tile, int query) {
        return tile.span().firstPosition() + tile.from() + query / group;
    }

    private long offset(Tile tile, int query) {
        long row = tile.span().firstRow() + tile.from() + query / group;
        int head = tile.kvHead() * group + query % group;
        return 4L * headDim * (row * shape.heads() + head);
    }

    private int first(int position) {
        return shape.window() == 0 ? 0 : Math.max(0, position + 1 - shape.window());
    }

    /** Scores of one query at the positions of a step; {@code keys} is {@code [headDim][STEP]}. */
    private void score(float[] keys, float[] query, int queryAt, float[] scores, int at) {
        for (int p = 0; p < STEP; p += 2 * L) {
            FloatVector a = FloatVector.zero(Lanes.FLOATS);
            FloatVector b = FloatVector.zero(Lanes.FLOATS);
            for (int d = 0; d < headDim; d++) {
                FloatVector x = FloatVector.broadcast(Lanes.FLOATS, query[queryAt + d]);
                a = FloatVector.fromArray(Lanes.FLOATS, keys, d * STEP + p).fma(x, a);
                b = FloatVector.fromArray(Lanes.FLOATS, keys, d * STEP + p + L).fma(x, b);
            }
            a.intoArray(scores, at + p);
            b.intoArray(scores, at + p + L);
        }
    }

    /**
     * @param values scores turned into weights
     * @param at the first one
     * @param slot its position's place in the step
     */
    private record Weights(float[] values, int at, int slot) {}

    /** Adds {@code count} weighted values; {@code step} is {@code [STEP][padded]}. */
    private static void mix(
            float[] step, int padded, Weights weights, int count, float[] sums, int at) {
        float[] w = weights.values();
        int from = weights.at();
        int slot = weights.slot();
        for (int d = 0; d < padded; d += L) {
            FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, sums, at + d);
            for (int p = 0; p < count; p++) {
                sum =
                        FloatVector.fromArray(Lanes.FLOATS, step, (slot + p) * padded + d)
                                .fma(FloatVector.broadcast(Lanes.FLOATS, w[from + p]), sum);
            }
            sum.intoArray(sums, at + d);
        }
    }

    /** Over {@code scores[from, to)}, in Java's own arithmetic: the same on every machine. */
    private void softmax(float[] scores, int from, int to) {
        float max = Float.NEGATIVE_INFINITY;
        float cap = shape.softcap();
        for (int i = from; i < to; i++) {
            scores[i] *= shape.scale();
            scores[i] = cap > 0 ? VectorQueue.softcapped(scores[i], cap) : scores[i];
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

    /** Widens a step's keys or values to float32. */
    private final class Loader {
        final float[] step;

        private final Tile tile;
        private final int padded;
        private final float[] row = new float[headDim];

        Loader(Tile tile, int padded) {
            this.tile = tile;
            this.padded = padded;
            this.step = new float[STEP * padded];
        }

        /** Keys of positions {@code [from, to)} as {@code [headDim][STEP]}; the rest zero. */
        void keys(int from, int to) {
            Arrays.fill(step, 0);
            for (int p = from; p < to; p++) {
                read(p, 0);
                for (int d = 0; d < headDim; d++) {
                    step[d * STEP + p - from] = row[d];
                }
            }
        }

        /** Values as {@code [STEP][padded]}. */
        void values(int from, int to) {
            Arrays.fill(step, 0);
            for (int p = from; p < to; p++) {
                read(p, pages.layout().blockLayerBytes() / 2);
                System.arraycopy(row, 0, step, (p - from) * padded, headDim);
            }
        }

        private void read(int position, int half) {
            KvLayout layout = pages.layout();
            int block = tile.span().blocks()[position / layout.blockTokens()];
            int slot = tile.kvHead() * layout.blockTokens() + position % layout.blockTokens();
            int bytes = layout.rowBytes();
            long at = pages.offset(layer, block) + half + (long) bytes * slot;
            KvRows.load(HostBuffer.of(pages.buffer()).asSlice(at, bytes), layout.dtype(), row);
        }
    }
}

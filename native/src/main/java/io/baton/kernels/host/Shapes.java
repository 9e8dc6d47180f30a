package io.baton.kernels.host;

import io.baton.common.kv.KvLayout;
import io.baton.common.model.RopeTable;
import io.baton.common.model.TensorType;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelQueue.AttentionShape;
import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import java.lang.foreign.MemorySegment;

/**
 * Checks of operands before any memory is touched: a wrong shape is the caller's mistake and must
 * never become a stray write. All throw {@link IllegalArgumentException}.
 */
public final class Shapes {
    private Shapes() {}

    /** A queue's share is a positive number; returned. */
    public static double share(double share) {
        if (!(share > 0 && share < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("a share must be positive, got " + share);
        }
        return share;
    }

    /** A weight's bytes are exactly those of its shape. */
    public static void weight(TensorType type, int rows, int cols, MemorySegment data) {
        require(rows > 0 && cols > 0, "a weight has %d x %d elements", rows, cols);
        require(
                cols % type.blockElements() == 0,
                "%s rows come in blocks of %d, got %d columns",
                type,
                type.blockElements(),
                cols);
        long need = type.bytes(Math.multiplyExact((long) rows, (long) cols));
        require(
                data.byteSize() == need,
                "%d x %d of %s are %d bytes, got %d",
                rows,
                cols,
                type,
                need,
                data.byteSize());
    }

    /** The tensor holds {@code rows} rows. */
    public static void rows(Tensor tensor, int rows) {
        require(
                rows >= 0 && rows <= tensor.maxRows(),
                "%d rows in a tensor of %d",
                rows,
                tensor.maxRows());
    }

    /** Both hold {@code rows} rows of the same width. */
    public static void same(Tensor a, Tensor b, int rows) {
        rows(a, rows);
        rows(b, rows);
        require(a.cols() == b.cols(), "rows of %d and of %d elements", a.cols(), b.cols());
    }

    /** The product's operands fit and do not overlap. */
    public static void matmul(Tensor in, Projection projection, int rows) {
        Weight weight = projection.weight();
        Tensor out = projection.out();
        rows(in, rows);
        rows(out, rows);
        require(
                weight.cols() == in.cols() && weight.rows() == out.cols(),
                "weight %d x %d between rows of %d and of %d elements",
                weight.rows(),
                weight.cols(),
                in.cols(),
                out.cols());
        require(in.buffer() != out.buffer(), "a product cannot be written over its input");
        Weight bias = projection.bias();
        require(
                bias == null || bias.rows() == 1 && bias.cols() == out.cols(),
                "a bias that is no vector of %d elements",
                out.cols());
    }

    /** The cap is a positive number and the tensor holds the rows. */
    public static void softcap(Tensor inOut, float cap, int rows) {
        rows(inOut, rows);
        require(cap > 0 && cap < Float.POSITIVE_INFINITY, "a cap of %s", cap);
    }

    /** The gain is a vector that divides the rows. */
    public static void norm(Tensor in, Weight gain, boolean perHead) {
        require(gain.rows() == 1, "a norm's gain is a vector, got %d rows", gain.rows());
        require(
                perHead ? in.cols() % gain.cols() == 0 : in.cols() == gain.cols(),
                "a gain of %d elements over rows of %d",
                gain.cols(),
                in.cols());
    }

    /** The token ids are rows of the table. */
    public static void embed(Batch batch, Weight table, Tensor out) {
        rows(out, batch.rows());
        require(
                table.cols() == out.cols(),
                "rows of %d from a table of %d",
                out.cols(),
                table.cols());
        for (int token : batch.tokens()) {
            require(token >= 0 && token < table.rows(), "token %d of %d", token, table.rows());
        }
    }

    /** Heads divide the rows and every position is in the table. */
    public static void rope(Batch batch, Tensor inOut, int headDim, RopeTable table) {
        rows(inOut, batch.rows());
        require(
                headDim > 0 && inOut.cols() % headDim == 0 && table.rotated() <= headDim,
                "heads of %d in rows of %d, %d elements rotated",
                headDim,
                inOut.cols(),
                table.rotated());
        for (Batch.Span span : batch.spans()) {
            int last = span.firstPosition() + span.rows() - 1;
            require(last < table.positions(), "position %d of %d", last, table.positions());
        }
    }

    /** Every position of the batch has a block of the pool, and the layer exists. */
    public static void pages(Batch batch, KvPages pages, int layer) {
        KvLayout layout = pages.layout();
        require(layer >= 0 && layer < layout.layers(), "layer %d of %d", layer, layout.layers());
        for (Batch.Span span : batch.spans()) {
            int need = layout.blocksFor(Math.addExact(span.firstPosition(), span.rows()));
            require(
                    span.blocks().length >= need,
                    "%d blocks where %d are needed",
                    span.blocks().length,
                    need);
            for (int i = 0; i < need; i++) {
                int block = span.blocks()[i];
                require(
                        block >= 0 && block < pages.blocks(),
                        "block %d of %d",
                        block,
                        pages.blocks());
            }
        }
    }

    /** Rows of K and V are a token's elements of the layout. */
    public static void storeKv(Batch batch, Tensor k, Tensor v, KvPages pages) {
        same(k, v, batch.rows());
        require(
                k.cols() == pages.layout().tokenElements(),
                "rows of %d elements into KV of %d",
                k.cols(),
                pages.layout().tokenElements());
    }

    /** Query heads are a multiple of the KV heads; rows are all heads. */
    public static void attention(
            Batch batch, Tensor q, KvLayout layout, AttentionShape shape, Tensor out) {
        same(q, out, batch.rows());
        require(
                shape.heads() > 0
                        && shape.heads() % layout.kvHeads() == 0
                        && q.cols() == shape.heads() * layout.headDim()
                        && shape.window() >= 0
                        && shape.softcap() >= 0
                        && shape.softcap() < Float.POSITIVE_INFINITY,
                "%d heads of %d in rows of %d over %d KV heads, window %d, cap %s",
                shape.heads(),
                layout.headDim(),
                q.cols(),
                layout.kvHeads(),
                shape.window(),
                shape.softcap());
    }

    /** The chosen rows exist and there is room for them. */
    public static void gather(Tensor in, int[] rows, Tensor out) {
        rows(out, rows.length);
        require(in.cols() == out.cols(), "rows of %d and of %d elements", in.cols(), out.cols());
        require(in.buffer() != out.buffer(), "rows cannot be gathered over their source");
        for (int row : rows) {
            require(row >= 0 && row < in.maxRows(), "row %d of %d", row, in.maxRows());
        }
    }

    private static void require(boolean holds, String format, Object... values) {
        if (!holds) {
            throw new IllegalArgumentException(format.formatted(values));
        }
    }
}

package io.baton.kernels.reference;

import io.baton.common.kv.KvLayout;
import io.baton.common.model.RopeTable;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.KvRows;
import io.baton.kernels.host.RowWeight;
import io.baton.kernels.host.Shapes;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs every operation at once, when it is given. Another provider may put faster products and
 * attention in the place of these.
 */
public class ReferenceQueue implements KernelQueue {
    private static final Batch NONE = new Batch(new int[0], new Batch.Span[0]);

    private final WorkPool pool;
    private Batch batch = NONE;

    /**
     * @param pool threads that share out products, attention and gates
     */
    public ReferenceQueue(WorkPool pool) {
        this.pool = pool;
    }

    @Override
    public void begin(Batch batch) {
        this.batch = batch;
    }

    @Override
    public void embed(Weight table, float scale, Tensor out) {
        Shapes.embed(batch, table, out);
        RowWeight weight = rowsOf(table);
        float[] row = new float[out.cols()];
        for (int r = 0; r < batch.rows(); r++) {
            weight.row(batch.tokens()[r], row);
            for (int i = 0; i < row.length; i++) {
                row[i] *= scale;
            }
            write(row, out, r);
        }
    }

    @Override
    public void rmsNorm(Tensor in, Weight gain, float eps, Tensor out) {
        rmsNormRows(in, gain, eps, out, batch.rows());
    }

    @Override
    public void rmsNormRows(Tensor in, Weight gain, float eps, Tensor out, int rows) {
        Shapes.same(in, out, rows);
        Shapes.norm(in, gain, false);
        norms(in, gain, eps, out, rows);
    }

    @Override
    public void rmsNormHeads(Tensor inOut, Weight gain, float eps) {
        Shapes.rows(inOut, batch.rows());
        Shapes.norm(inOut, gain, true);
        norms(inOut, gain, eps, inOut, batch.rows());
    }

    private void norms(Tensor in, Weight gain, float eps, Tensor out, int rows) {
        float[] factors = new float[gain.cols()];
        rowsOf(gain).row(0, factors);
        float[] row = new float[in.cols()];
        for (int r = 0; r < rows; r++) {
            read(in, r, row);
            for (int from = 0; from < row.length; from += factors.length) {
                norm(row, from, factors, eps);
            }
            write(row, out, r);
        }
    }

    private static void norm(float[] row, int from, float[] gain, float eps) {
        float squares = 0;
        for (int i = 0; i < gain.length; i++) {
            squares += row[from + i] * row[from + i];
        }
        float factor = (float) (1.0 / Math.sqrt(squares / gain.length + eps));
        for (int i = 0; i < gain.length; i++) {
            row[from + i] = row[from + i] * factor * gain[i];
        }
    }

    @Override
    public final void matmul(Tensor in, List<Projection> projections) {
        for (Projection projection : projections) {
            matmulRows(in, projection, batch.rows());
        }
    }

    @Override
    public final void matmulRows(Tensor in, Projection projection, int rows) {
        Shapes.matmul(in, projection, rows);
        product(in, projection, rows);
        Weight bias = projection.bias();
        if (bias != null) {
            addToRows(projection.out(), rowsOf(bias), rows);
        }
    }

    /** {@code out[r] = weight * in[r]}, without the bias; shapes are checked. */
    protected void product(Tensor in, Projection projection, int rows) {
        ReferenceMatmul.run(pool, in, projection, rows);
    }

    private static void addToRows(Tensor out, RowWeight vector, int rows) {
        float[] bias = new float[out.cols()];
        vector.row(0, bias);
        float[] row = new float[out.cols()];
        for (int r = 0; r < rows; r++) {
            read(out, r, row);
            for (int i = 0; i < row.length; i++) {
                row[i] += bias[i];
            }
            write(row, out, r);
        }
    }

    @Override
    public void add(Tensor inOut, Tensor delta) {
        Shapes.same(inOut, delta, batch.rows());
        float[] row = new float[inOut.cols()];
        float[] other = new float[inOut.cols()];
        for (int r = 0; r < batch.rows(); r++) {
            read(inOut, r, row);
            read(delta, r, other);
            for (int i = 0; i < row.length; i++) {
                row[i] += other[i];
            }
            write(row, inOut, r);
        }
    }

    @Override
    public void rope(Tensor inOut, int headDim, RopeTable table) {
        Shapes.rope(batch, inOut, headDim, table);
        float[] row = new float[inOut.cols()];
        for (Batch.Span span : batch.spans()) {
            for (int i = 0; i < span.rows(); i++) {
                read(inOut, span.firstRow() + i, row);
                for (int head = 0; head < row.length; head += headDim) {
                    rotate(row, head, span.firstPosition() + i, table);
                }
                write(row, inOut, span.firstRow() + i);
            }
        }
    }

    private static void rotate(float[] row, int head, int position, RopeTable table) {
        int half = table.rotated() / 2;
        int step = table.interleaved() ? 2 : 1;
        int apart = table.interleaved() ? 1 : half;
        for (int i = 0; i < half; i++) {
            float cos = table.cos()[position * half + i];
            float sin = table.sin()[position * half + i];
            int a = head + i * step;
            int b = a + apart;
            float x = row[a];
            float y = row[b];
            row[a] = x * cos - y * sin;
            row[b] = x * sin + y * cos;
        }
    }

    @Override
    public void storeKv(Tensor k, Tensor v, KvPages pages, int layer) {
        Shapes.pages(batch, pages, layer);
        Shapes.storeKv(batch, k, v, pages);
        KvLayout layout = pages.layout();
        float[] row = new float[k.cols()];
        for (Batch.Span span : batch.spans()) {
            for (int i = 0; i < span.rows(); i++) {
                int position = span.firstPosition() + i;
                int slot = position % layout.blockTokens();
                long at = pages.offset(layer, span.blocks()[position / layout.blockTokens()]);
                read(k, span.firstRow() + i, row);
                store(row, pages, at, slot);
                read(v, span.firstRow() + i, row);
                store(row, pages, at + layout.blockLayerBytes() / 2, slot);
            }
        }
    }

    private static void store(float[] row, KvPages pages, long at, int slot) {
        KvLayout layout = pages.layout();
        int headDim = layout.headDim();
        for (int head = 0; head < layout.kvHeads(); head++) {
            long to = at + (long) (head * layout.blockTokens() + slot) * layout.rowBytes();
            KvRows.store(
                    Arrays.copyOfRange(row, head * headDim, (head + 1) * headDim),
                    layout.dtype(),
                    HostBuffer.of(pages.buffer()).asSlice(to, layout.rowBytes()));
        }
    }

    @Override
    public final void attention(
            Tensor q, KvPages pages, int layer, AttentionShape shape, Tensor out) {
        Shapes.pages(batch, pages, layer);
        Shapes.attention(batch, q, pages.layout(), shape, out);
        attend(batch, new Pages(pages, layer), shape, new Tensor[] {q, out});
    }

    /** A layer of a pool. */
    protected record Pages(KvPages pages, int layer) {}

    /** Attention of the batch's rows; shapes are checked. */
    protected void attend(Batch rows, Pages pages, AttentionShape shape, Tensor[] queryAndOut) {
        new ReferenceAttention(rows, pages.pages(), pages.layer(), shape, queryAndOut).run(pool);
    }

    @Override
    public void gatedUnit(Activation activation, Tensor gate, Tensor up, Tensor out) {
        Shapes.same(gate, up, batch.rows());
        Shapes.same(gate, out, batch.rows());
        pool.run(
                batch.rows(),
                r -> {
                    float[] x = new float[gate.cols()];
                    float[] factor = new float[gate.cols()];
                    read(gate, r, x);
                    read(up, r, factor);
                    for (int i = 0; i < x.length; i++) {
                        x[i] = activate(activation, x[i]) * factor[i];
                    }
                    write(x, out, r);
                });
    }

    // SiLU: Elfwing et al. 2017; GELU's tanh form: Hendrycks and Gimpel 2016.
    private static float activate(Activation activation, float x) {
        return switch (activation) {
            case SILU -> (float) (x / (1 + StrictMath.exp(-x)));
            case GELU_TANH -> {
                double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
                yield (float) (0.5 * x * (1 + StrictMath.tanh(inner)));
            }
        };
    }

    @Override
    public void gather(Tensor in, int[] rows, Tensor out) {
        Shapes.gather(in, rows, out);
        float[] row = new float[in.cols()];
        for (int i = 0; i < rows.length; i++) {
            read(in, rows[i], row);
            write(row, out, i);
        }
    }

    @Override
    public void softcap(Tensor inOut, float cap, int rows) {
        Shapes.softcap(inOut, cap, rows);
        float[] row = new float[inOut.cols()];
        for (int r = 0; r < rows; r++) {
            read(inOut, r, row);
            for (int i = 0; i < row.length; i++) {
                row[i] = capped(row[i], cap);
            }
            write(row, inOut, r);
        }
    }

    /** Gemma 2's report, section 2: {@code cap * tanh(x / cap)}. */
    protected static float capped(float x, float cap) {
        return (float) (cap * StrictMath.tanh((double) x / cap));
    }

    @Override
    public void submit() {}

    @Override
    public void await() {}

    @Override
    public void close() {
        batch = NONE;
    }

    private static RowWeight rowsOf(@Nullable Weight weight) {
        if (weight instanceof RowWeight rows) {
            return rows;
        }
        throw new IllegalArgumentException("the weight belongs to another provider");
    }

    private static void read(Tensor tensor, int row, float[] out) {
        long offset = 4L * row * tensor.cols();
        MemorySegment.copy(
                HostBuffer.of(tensor), ValueLayout.JAVA_FLOAT, offset, out, 0, tensor.cols());
    }

    private static void write(float[] row, Tensor tensor, int index) {
        long offset = 4L * index * tensor.cols();
        MemorySegment.copy(
                row, 0, HostBuffer.of(tensor), ValueLayout.JAVA_FLOAT, offset, tensor.cols());
    }
}

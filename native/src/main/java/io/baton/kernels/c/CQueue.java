package io.baton.kernels.c;

import io.baton.common.kv.KvLayout;
import io.baton.common.model.RopeTable;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelQueue;
import io.baton.kernels.KvPages;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import io.baton.kernels.c.Operations.Kind;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.Shapes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Collects operations and runs them in one native call at {@link #submit}, which returns when they
 * are done. Shapes are checked here, when an operation is given.
 */
final class CQueue implements KernelQueue {
    /** As {@code attention.inc} has it. */
    private static final int BLOCK_TOKENS = 16;

    private static final Batch NONE = new Batch(new int[0], new Batch.Span[0]);

    private final NativePool.Lane lane;
    private final RopeCopies ropes;
    private final Arena arena = Arena.ofShared();
    private final Operations operations = new Operations(arena);
    private final StepMemory step = new StepMemory();
    private Batch batch = NONE;

    CQueue(NativePool.Lane lane, RopeCopies ropes) {
        this.lane = lane;
        this.ropes = ropes;
    }

    @Override
    public void begin(Batch batch) {
        // What was collected still refers to the batch before.
        submit();
        this.batch = batch;
        step.take(batch);
    }

    @Override
    public void embed(Weight table, float scale, Tensor out) {
        Shapes.embed(batch, table, out);
        add(Kind.EMBED, batch.rows(), out.cols(), 1);
        operations.numbers(scale);
        operations.pointers(step.tokens(), packed(table), HostBuffer.of(out));
    }

    @Override
    public void rmsNorm(Tensor in, Weight gain, float eps, Tensor out) {
        rmsNormRows(in, gain, eps, out, batch.rows());
    }

    @Override
    public void rmsNormRows(Tensor in, Weight gain, float eps, Tensor out, int rows) {
        Shapes.same(in, out, rows);
        Shapes.norm(in, gain, false);
        norm(in, gain, eps, out, rows);
    }

    @Override
    public void rmsNormHeads(Tensor inOut, Weight gain, float eps) {
        Shapes.rows(inOut, batch.rows());
        Shapes.norm(inOut, gain, true);
        norm(inOut, gain, eps, inOut, batch.rows());
    }

    private void norm(Tensor in, Weight gain, float eps, Tensor out, int rows) {
        add(Kind.NORM, rows, gain.cols(), in.cols() / gain.cols());
        operations.numbers(eps);
        operations.pointers(HostBuffer.of(in), packed(gain), HostBuffer.of(out));
    }

    @Override
    public void matmul(Tensor in, List<Projection> projections) {
        for (Projection projection : projections) {
            Shapes.matmul(in, projection, batch.rows());
        }
        for (int from = 0; from < projections.size(); from += Operations.PROJECTIONS) {
            int to = Math.min(projections.size(), from + Operations.PROJECTIONS);
            product(in, projections.subList(from, to), batch.rows());
        }
    }

    @Override
    public void matmulRows(Tensor in, Projection projection, int rows) {
        Shapes.matmul(in, projection, rows);
        product(in, List.of(projection), rows);
    }

    private void product(Tensor in, List<Projection> projections, int rows) {
        add(Kind.MATMUL, rows, in.cols(), projections.size());
        operations.pointer(0, HostBuffer.of(in));
        for (int i = 0; i < projections.size(); i++) {
            operations.pointer(1 + 2 * i, packed(projections.get(i).weight()));
            operations.pointer(2 + 2 * i, HostBuffer.of(projections.get(i).out()));
        }
        for (Projection projection : projections) {
            Weight bias = projection.bias();
            if (bias != null) {
                add(Kind.BIAS, rows, bias.cols(), 1);
                operations.pointers(HostBuffer.of(projection.out()), packed(bias));
            }
        }
    }

    @Override
    public void softcap(Tensor inOut, float cap, int rows) {
        Shapes.softcap(inOut, cap, rows);
        add(Kind.SOFTCAP, rows, inOut.cols(), 1);
        operations.numbers(cap);
        operations.pointers(HostBuffer.of(inOut));
    }

    @Override
    public void add(Tensor inOut, Tensor delta) {
        Shapes.same(inOut, delta, batch.rows());
        add(Kind.ADD, batch.rows(), inOut.cols(), 1);
        operations.pointers(HostBuffer.of(inOut), HostBuffer.of(delta));
    }

    @Override
    public void rope(Tensor inOut, int headDim, RopeTable table) {
        Shapes.rope(batch, inOut, headDim, table);
        RopeCopies.Copy copy = ropes.of(table);
        add(Kind.ROPE, batch.rows(), inOut.cols(), 1);
        operations.integers(headDim, table.rotated(), table.interleaved() ? 1 : 0);
        operations.pointers(HostBuffer.of(inOut), step.positions(), copy.cos(), copy.sin());
    }

    @Override
    public void storeKv(Tensor k, Tensor v, KvPages pages, int layer) {
        Shapes.pages(batch, pages, layer);
        Shapes.storeKv(batch, k, v, pages);
        add(Kind.STORE, batch.rows(), k.cols(), batch.spans().length);
        layout(pages.layout());
        operations.pointers(
                HostBuffer.of(k),
                HostBuffer.of(v),
                layer(pages, layer),
                step.spans(),
                step.blocks());
    }

    @Override
    public void attention(Tensor q, KvPages pages, int layer, AttentionShape shape, Tensor out) {
        Shapes.pages(batch, pages, layer);
        Shapes.attention(batch, q, pages.layout(), shape, out);
        add(Kind.ATTENTION, batch.rows(), q.cols(), batch.spans().length);
        layout(pages.layout(), shape.heads(), shape.window());
        operations.numbers(shape.scale(), shape.softcap());
        operations.pointers(
                HostBuffer.of(q),
                HostBuffer.of(out),
                layer(pages, layer),
                step.spans(),
                step.blocks());
    }

    private void layout(KvLayout layout, int... more) {
        int dtype =
                switch (layout.dtype()) {
                    case F32 -> 0;
                    case BF16 -> 1;
                    case F16 -> 2;
                    case INT8 -> 3;
                };
        if (layout.blockTokens() != BLOCK_TOKENS) {
            throw new IllegalArgumentException(
                    "blocks of %d tokens; the C kernels take %d"
                            .formatted(layout.blockTokens(), BLOCK_TOKENS));
        }
        int[] all = new int[4 + more.length];
        all[0] = layout.kvHeads();
        all[1] = layout.headDim();
        all[2] = dtype;
        all[3] = layout.blockTokens();
        System.arraycopy(more, 0, all, 4, more.length);
        operations.integers(all);
    }

    private static MemorySegment layer(KvPages pages, int layer) {
        return HostBuffer.of(pages.buffer()).asSlice(pages.offset(layer, 0));
    }

    @Override
    public void gatedUnit(Activation activation, Tensor gate, Tensor up, Tensor out) {
        Shapes.same(gate, up, batch.rows());
        Shapes.same(gate, out, batch.rows());
        add(Kind.GATED, batch.rows(), gate.cols(), 1);
        operations.integers(
                switch (activation) {
                    case SILU -> 0;
                    case GELU_TANH -> 1;
                });
        operations.pointers(HostBuffer.of(gate), HostBuffer.of(up), HostBuffer.of(out));
    }

    @Override
    public void gather(Tensor in, int[] rows, Tensor out) {
        Shapes.gather(in, rows, out);
        if (!step.fits(rows.length)) {
            submit();
            step.grow(rows.length);
        }
        add(Kind.GATHER, rows.length, in.cols(), 1);
        operations.pointers(HostBuffer.of(in), step.list(rows), HostBuffer.of(out));
    }

    private void add(Kind kind, int rows, int cols, int count) {
        if (operations.full()) {
            submit();
        }
        operations.add(kind, rows, cols, count);
    }

    private static MemorySegment packed(Weight weight) {
        if (weight instanceof PackedWeight packed) {
            return packed.address();
        }
        throw new IllegalArgumentException("the weight belongs to another provider");
    }

    @Override
    public void submit() {
        if (operations.count() == 0) {
            return;
        }
        try {
            lane.run(operations);
        } finally {
            operations.clear();
            step.forgetLists();
        }
    }

    @Override
    public void await() {
        // A submission has run when submit returns.
    }

    @Override
    public void close() {
        operations.clear();
        step.close();
        arena.close();
        lane.close();
    }
}

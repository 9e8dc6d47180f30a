package io.baton.kernels.vector;

import io.baton.kernels.Batch;
import io.baton.kernels.Tensor;
import io.baton.kernels.host.WorkPool;
import io.baton.kernels.reference.ReferenceQueue;

/** The reference's queue with vectorised products and attention. */
final class VectorQueue extends ReferenceQueue {
    private final WorkPool pool;
    private final VectorMatmul matmul;

    VectorQueue(WorkPool pool, VectorMatmul matmul) {
        super(pool);
        this.pool = pool;
        this.matmul = matmul;
    }

    @Override
    protected void product(Tensor in, Projection projection, int rows) {
        matmul.run(pool, in, projection, rows);
    }

    @Override
    protected void attend(Batch rows, Pages pages, AttentionShape shape, Tensor[] queryAndOut) {
        new VectorAttention(rows, pages.pages(), pages.layer(), shape, queryAndOut).run(pool);
    }

    /** As the reference caps scores. */
    static float softcapped(float score, float cap) {
        return capped(score, cap);
    }
}

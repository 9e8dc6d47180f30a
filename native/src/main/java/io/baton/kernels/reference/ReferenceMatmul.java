package io.baton.kernels.reference;

import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.Tensor;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Products of float32 rows and panels: each output is a sum over the columns in order. */
final class ReferenceMatmul {
    /** Below this many multiplications, waking a thread costs more than it saves. */
    private static final long ALONE = 1 << 17;

    private ReferenceMatmul() {}

    /** {@code out[r] = weight * in[r]} for the first {@code rows} rows. */
    static void run(WorkPool pool, Tensor in, Projection projection, int rows) {
        PanelWeight weight = weight(projection);
        float[] given = new float[rows * in.cols()];
        MemorySegment.copy(HostBuffer.of(in), ValueLayout.JAVA_FLOAT, 0, given, 0, given.length);
        float[] x = weight.roundsRows() ? RoundedRows.of(given) : given;
        MemorySegment out = HostBuffer.of(projection.out());
        long work = (long) rows * weight.rows() * weight.cols();
        if (work < ALONE) {
            for (int panel = 0; panel < weight.panels(); panel++) {
                panel(weight, panel, x, rows, out);
            }
        } else {
            pool.run(weight.panels(), panel -> panel(weight, panel, x, rows, out));
        }
    }

    private static PanelWeight weight(Projection projection) {
        if (projection.weight() instanceof PanelWeight weight) {
            return weight;
        }
        throw new IllegalArgumentException("the weight belongs to another provider");
    }

    private static void panel(PanelWeight w, int panel, float[] x, int rows, MemorySegment out) {
        int width = w.width();
        int cols = w.cols();
        float[][] stripe = new float[Math.min(w.stripeCols(), cols)][width];
        float[][] sums = new float[rows][width];
        for (int from = 0; from < cols; from += w.stripeCols()) {
            int count = Math.min(w.stripeCols(), cols - from);
            w.stripe(panel, from, count, stripe);
            for (int r = 0; r < rows; r++) {
                Accumulate.add(
                        new Accumulate.Terms(stripe, 0, count, x, r * cols + from), sums[r], width);
            }
        }
        int first = panel * width;
        int valid = Math.min(width, w.rows() - first);
        for (int r = 0; r < rows; r++) {
            long offset = 4L * ((long) r * w.rows() + first);
            MemorySegment.copy(sums[r], 0, out, ValueLayout.JAVA_FLOAT, offset, valid);
        }
    }
}

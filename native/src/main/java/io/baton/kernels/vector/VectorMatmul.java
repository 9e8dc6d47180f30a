package io.baton.kernels.vector;

import static io.baton.kernels.vector.VectorWeight.PANEL;

import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.Tensor;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.WorkPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of float32 rows and panels. A stripe of a panel is decoded to float32 into a piece of
 * the first-level cache and then serves all rows. Each output is one sum over the columns in order,
 * with fused multiplications, whatever the rows beside it.
 */
final class VectorMatmul {
    /** Columns of a stripe: 16 KiB of a panel of 32, a multiple of every group. */
    private static final int STRIPE = 128;

    /** Below this many multiplications, waking a thread costs more than it saves. */
    private static final long ALONE = 1 << 17;

    /** Multiplications of one task. */
    private static final long TASK = 1 << 18;

    private static final int L = Lanes.COUNT;

    private final ThreadLocal<Scratch> scratches = ThreadLocal.withInitial(Scratch::new);

    /** Memory of one thread. */
    private static final class Scratch {
        final byte[] quanta = new byte[STRIPE * PANEL];
        final float[] scales = new float[STRIPE / 16 * PANEL];
        final float[] minima = new float[STRIPE / 16 * PANEL];
        final float[] stripe = new float[STRIPE * PANEL];
        float[] sums = new float[0];

        float[] zeroedSums(int rows) {
            int length = Math.multiplyExact(rows, PANEL);
            if (sums.length < length) {
                sums = new float[length];
            }
            Arrays.fill(sums, 0, length, 0);
            return sums;
        }
    }

    /** {@code out[r] = weight * in[r]} for the first {@code rows} rows. */
    void run(WorkPool pool, Tensor in, Projection projection, int rows) {
        if (!(projection.weight() instanceof VectorWeight weight)) {
            throw new IllegalArgumentException("the weight belongs to another provider");
        }
        float[] x = new float[Math.multiplyExact(rows, in.cols())];
        MemorySegment.copy(HostBuffer.of(in), ValueLayout.JAVA_FLOAT, 0, x, 0, x.length);
        MemorySegment out = HostBuffer.of(projection.out());
        long ofPanel = Math.max(1, (long) rows * PANEL * weight.cols());
        int panels = weight.panels();
        int each =
                ofPanel * panels < ALONE
                        ? panels
                        : (int) Math.min(panels, Math.max(1, TASK / ofPanel));
        pool.run(
                Math.ceilDiv(panels, each),
                task -> {
                    for (int p = task * each; p < Math.min(panels, (task + 1) * each); p++) {
                        panel(weight, p, x, rows, out);
                    }
                });
    }

    private void panel(VectorWeight w, int panel, float[] x, int rows, MemorySegment out) {
        Scratch scratch = scratches.get();
        float[] sums = scratch.zeroedSums(rows);
        int cols = w.cols();
        for (int from = 0; from < cols; from += STRIPE) {
            int count = Math.min(STRIPE, cols - from);
            decode(w, panel, from, count, scratch);
            int r = 0;
            for (; r + 2 <= rows; r += 2) {
                two(scratch.stripe, count, x, r * cols + from, cols, sums, r * PANEL);
            }
            if (r < rows) {
                one(scratch.stripe, count, x, r * cols + from, sums, r * PANEL);
            }
        }
        int first = panel * PANEL;
        int valid = Math.min(PANEL, w.rows() - first);
        for (int r = 0; r < rows; r++) {
            long offset = 4L * ((long) r * w.rows() + first);
            MemorySegment.copy(sums, r * PANEL, out, ValueLayout.JAVA_FLOAT, offset, valid);
        }
    }

    private static void decode(VectorWeight w, int panel, int from, int count, Scratch s) {
        if (!w.isQuantised()) {
            w.floats(panel, from, count, s.stripe);
            return;
        }
        w.quanta(panel, from, count, s.quanta);
        w.factors(panel, from, count, s.scales, s.minima);
        int group = w.group();
        for (int g = 0; g * group < count; g++) {
            for (int lane = 0; lane < PANEL; lane += 8) {
                int factor = g * PANEL + lane;
                int at = g * group * PANEL + lane;
                for (int part = 0; part < 8 / L; part++) {
                    if (w.hasMinima()) {
                        affine(s, factor + part * L, at, group, part);
                    } else {
                        scaled(s, factor + part * L, at, group, part);
                    }
                }
            }
        }
    }

    /** {@code stripe = quanta * scale} over the columns of a group, eight rows or half of them. */
    private static void scaled(Scratch s, int factor, int at, int columns, int part) {
        FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, s.scales, factor);
        byte[] quanta = s.quanta;
        float[] stripe = s.stripe;
        for (int k = 0; k < columns; k++) {
            floats(quanta, at + k * PANEL, part)
                    .mul(scale)
                    .intoArray(stripe, at + k * PANEL + part * L);
        }
    }

    /** The same with a minimum added, rounded after the product as the format defines it. */
    private static void affine(Scratch s, int factor, int at, int columns, int part) {
        FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, s.scales, factor);
        FloatVector minimum = FloatVector.fromArray(Lanes.FLOATS, s.minima, factor);
        byte[] quanta = s.quanta;
        float[] stripe = s.stripe;
        for (int k = 0; k < columns; k++) {
            floats(quanta, at + k * PANEL, part)
                    .mul(scale)
                    .add(minimum)
                    .intoArray(stripe, at + k * PANEL + part * L);
        }
    }

    private static FloatVector floats(byte[] quanta, int at, int part) {
        return (FloatVector)
                ByteVector.fromArray(Lanes.EIGHT_BYTES, quanta, at)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, part);
    }

    private static void one(float[] w, int count, float[] x, int xAt, float[] sums, int at) {
        FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, at);
        FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, at + L);
        FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, at + 2 * L);
        FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, at + 3 * L);
        for (int k = 0; k < count; k++) {
            FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x[xAt + k]);
            int column = k * PANEL;
            a0 = FloatVector.fromArray(Lanes.FLOATS, w, column).fma(v, a0);
            a1 = FloatVector.fromArray(Lanes.FLOATS, w, column + L).fma(v, a1);
            a2 = FloatVector.fromArray(Lanes.FLOATS, w, column + 2 * L).fma(v, a2);
            a3 = FloatVector.fromArray(Lanes.FLOATS, w, column + 3 * L).fma(v, a3);
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + L);
        a2.intoArray(sums, at + 2 * L);
        a3.intoArray(sums, at + 3 * L);
    }

    /** Two rows, {@code cols} elements apart, so that a weight is loaded once for both. */
    private static void two(
            float[] w, int count, float[] x, int xAt, int cols, float[] sums, int at) {
        FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, at);
        FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, at + L);
        FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, at + 2 * L);
        FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, at + 3 * L);
        FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, sums, at + PANEL);
        FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, sums, at + PANEL + L);
        FloatVector b2 = FloatVector.fromArray(Lanes.FLOATS, sums, at + PANEL + 2 * L);
        FloatVector b3 = FloatVector.fromArray(Lanes.FLOATS, sums, at + PANEL + 3 * L);
        for (int k = 0; k < count; k++) {
            FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x[xAt + k]);
            FloatVector u = FloatVector.broadcast(Lanes.FLOATS, x[xAt + cols + k]);
            int column = k * PANEL;
            FloatVector w0 = FloatVector.fromArray(Lanes.FLOATS, w, column);
            a0 = w0.fma(v, a0);
            b0 = w0.fma(u, b0);
            FloatVector w1 = FloatVector.fromArray(Lanes.FLOATS, w, column + L);
            a1 = w1.fma(v, a1);
            b1 = w1.fma(u, b1);
            FloatVector w2 = FloatVector.fromArray(Lanes.FLOATS, w, column + 2 * L);
            a2 = w2.fma(v, a2);
            b2 = w2.fma(u, b2);
            FloatVector w3 = FloatVector.fromArray(Lanes.FLOATS, w, column + 3 * L);
            a3 = w3.fma(v, a3);
            b3 = w3.fma(u, b3);
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + L);
        a2.intoArray(sums, at + 2 * L);
        a3.intoArray(sums, at + 3 * L);
        b0.intoArray(sums, at + PANEL);
        b1.intoArray(sums, at + PANEL + L);
        b2.intoArray(sums, at + PANEL + 2 * L);
        b3.intoArray(sums, at + PANEL + 3 * L);
    }
}

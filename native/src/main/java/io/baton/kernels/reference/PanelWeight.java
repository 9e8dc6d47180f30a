package io.baton.kernels.reference;

import io.baton.common.model.TensorType;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.RowWeight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Set;

/**
 * A weight as float32, in panels of {@value #PANEL} output rows: {@code [panel][col][PANEL]}, rows
 * beyond the last one zero. Neighbours in memory are neighbouring outputs, so that a plain Java
 * loop over them needs no reordering of any sum to be vectorised. A vector (one row) is kept as it
 * is.
 */
final class PanelWeight implements RowWeight {
    /** Rows of a panel: long enough for C2's vector loop to outweigh its edges. */
    static final int PANEL = 128;

    private static final int STRIPE = 64;

    private final Shape shape;
    private final HostBuffer values;

    private PanelWeight(Shape shape, HostBuffer values) {
        this.shape = shape;
        this.values = values;
    }

    /**
     * @param rounds whether rows of a product are rounded to 8 bits where the weight is a quantised
     *     matrix
     */
    record Shape(TensorType type, int rows, int cols, boolean rounds) {}

    static PanelWeight of(Shape shape, MemorySegment data, Set<HostBuffer> owner) {
        int rows = shape.rows;
        int cols = shape.cols;
        int width = rows == 1 ? 1 : PANEL;
        long panels = Math.ceilDiv(rows, width);
        long elements = Math.multiplyExact(Math.multiplyExact(panels, (long) width), (long) cols);
        HostBuffer buffer = HostBuffer.allocate(4 * elements, owner);
        float[] row = new float[cols];
        float[] panel = new float[Math.multiplyExact(width, cols)];
        for (int first = 0; first < rows; first += width) {
            int count = Math.min(width, rows - first);
            Arrays.fill(panel, 0);
            for (int j = 0; j < count; j++) {
                Dequantizer.row(shape.type, data, first + j, cols, row);
                for (int k = 0; k < cols; k++) {
                    panel[k * width + j] = row[k];
                }
            }
            MemorySegment.copy(
                    panel,
                    0,
                    buffer.segment(),
                    ValueLayout.JAVA_FLOAT,
                    4L * first * cols,
                    panel.length);
        }
        return new PanelWeight(shape, buffer);
    }

    int panels() {
        return Math.ceilDiv(shape.rows, width());
    }

    /** Whether a product takes its rows rounded to 8 bits. */
    boolean roundsRows() {
        return shape.rounds && shape.rows > 1 && shape.type.blockElements() > 1;
    }

    /** Rows of a panel: {@value #PANEL}, or 1 of a vector. */
    int width() {
        return shape.rows == 1 ? 1 : PANEL;
    }

    /** Columns that {@link #stripe} copies at once: a stripe of a panel stays in the L1 cache. */
    int stripeCols() {
        return shape.rows == 1 ? shape.cols : STRIPE;
    }

    /** Copies columns {@code [from, from + count)} of a panel: {@code out[i]} is a column. */
    void stripe(int panel, int from, int count, float[][] out) {
        int width = width();
        long offset = 4L * width * ((long) panel * shape.cols + from);
        for (int k = 0; k < count; k++) {
            MemorySegment.copy(
                    values.segment(),
                    ValueLayout.JAVA_FLOAT,
                    offset + 4L * k * width,
                    out[k],
                    0,
                    width);
        }
    }

    /** One row, as a gather over its panel. */
    @Override
    public void row(int row, float[] out) {
        int width = width();
        long base = (long) (row / width) * width * shape.cols + row % width;
        for (int k = 0; k < shape.cols; k++) {
            out[k] = values.segment().getAtIndex(ValueLayout.JAVA_FLOAT, base + (long) k * width);
        }
    }

    @Override
    public TensorType type() {
        return shape.type;
    }

    @Override
    public int rows() {
        return shape.rows;
    }

    @Override
    public int cols() {
        return shape.cols;
    }

    @Override
    public long residentBytes() {
        return values.bytes();
    }
}

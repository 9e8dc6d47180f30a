package io.baton.kernels.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.baton.common.model.TensorType;
import io.baton.kernels.host.HostBuffer;
import io.baton.kernels.host.RowWeight;
import io.baton.kernels.reference.Dequantizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A matrix in panels of {@link #PANEL} output rows, rows beyond the last one zero: for every column
 * the panel's quanta (a byte each) side by side, for every group of columns its scales and minima;
 * or, of a float format, float32 values side by side.
 */
final class VectorWeight implements RowWeight {
    /** Output rows of a panel: four vectors. */
    static final int PANEL = 4 * Lanes.COUNT;

    private final TensorType type;
    private final int rows;
    private final int cols;
    private final HostBuffer values;
    private final @Nullable HostBuffer scales;
    private final @Nullable HostBuffer minima;

    private VectorWeight(TensorType type, int rows, int cols, HostBuffer[] parts) {
        this.type = type;
        this.rows = rows;
        this.cols = cols;
        this.values = parts[0];
        this.scales = parts.length > 1 ? parts[1] : null;
        this.minima = parts.length > 2 ? parts[2] : null;
    }

    static VectorWeight of(
            TensorType type, int rows, int cols, MemorySegment data, Set<HostBuffer> owner) {
        long elements =
                Math.multiplyExact(Math.multiplyExact((long) panels(rows), (long) PANEL), cols);
        if (!Quanta.isQuantised(type)) {
            HostBuffer values = HostBuffer.allocate(Math.multiplyExact(4L, elements), owner);
            packFloats(type, rows, cols, data, values);
            return new VectorWeight(type, rows, cols, new HostBuffer[] {values});
        }
        long groups = elements / Quanta.group(type);
        HostBuffer[] parts = new HostBuffer[Quanta.hasMinima(type) ? 3 : 2];
        parts[0] = HostBuffer.allocate(elements, owner);
        for (int i = 1; i < parts.length; i++) {
            parts[i] = HostBuffer.allocate(4 * groups, owner);
        }
        packQuanta(type, rows, cols, data, parts);
        return new VectorWeight(type, rows, cols, parts);
    }

    private static int panels(int rows) {
        return Math.ceilDiv(rows, PANEL);
    }

    private static void packFloats(
            TensorType type, int rows, int cols, MemorySegment data, HostBuffer out) {
        float[] row = new float[cols];
        float[] panel = new float[Math.multiplyExact(PANEL, cols)];
        for (int first = 0; first < rows; first += PANEL) {
            Arrays.fill(panel, 0);
            for (int j = 0; j < Math.min(PANEL, rows - first); j++) {
                Dequantizer.row(type, data, first + j, cols, row);
                for (int k = 0; k < cols; k++) {
                    panel[k * PANEL + j] = row[k];
                }
            }
            long at = 4L * first * cols;
            MemorySegment.copy(panel, 0, out.segment(), JAVA_FLOAT, at, panel.length);
        }
    }

    private static void packQuanta(
            TensorType type, int rows, int cols, MemorySegment data, HostBuffer[] out) {
        Quanta row = new Quanta(type, cols);
        byte[] values = new byte[Math.multiplyExact(PANEL, cols)];
        float[] scales = new float[PANEL * row.scales.length];
        float[] minima = new float[PANEL * row.minima.length];
        for (int first = 0; first < rows; first += PANEL) {
            Arrays.fill(values, (byte) 0);
            Arrays.fill(scales, 0);
            Arrays.fill(minima, 0);
            for (int j = 0; j < Math.min(PANEL, rows - first); j++) {
                row.read(data, first + j);
                for (int k = 0; k < cols; k++) {
                    values[k * PANEL + j] = row.values[k];
                }
                spread(row.scales, scales, j);
                spread(row.minima, minima, j);
            }
            int panel = first / PANEL;
            MemorySegment.copy(
                    values,
                    0,
                    out[0].segment(),
                    JAVA_BYTE,
                    (long) panel * values.length,
                    values.length);
            MemorySegment.copy(
                    scales,
                    0,
                    out[1].segment(),
                    JAVA_FLOAT,
                    4L * panel * scales.length,
                    scales.length);
            if (out.length > 2) {
                MemorySegment.copy(
                        minima,
                        0,
                        out[2].segment(),
                        JAVA_FLOAT,
                        4L * panel * minima.length,
                        minima.length);
            }
        }
    }

    private static void spread(float[] row, float[] panel, int lane) {
        for (int g = 0; g < row.length; g++) {
            panel[g * PANEL + lane] = row[g];
        }
    }

    int panels() {
        return panels(rows);
    }

    boolean isQuantised() {
        return scales != null;
    }

    /** Columns that share a scale. */
    int group() {
        return Quanta.group(type);
    }

    boolean hasMinima() {
        return minima != null;
    }

    /** Copies the quanta of columns {@code [from, from + count)} of a panel. */
    void quanta(int panel, int from, int count, byte[] out) {
        long at = (long) PANEL * ((long) panel * cols + from);
        MemorySegment.copy(values.segment(), JAVA_BYTE, at, out, 0, count * PANEL);
    }

    /** Copies the values of columns {@code [from, from + count)} of a panel of floats. */
    void floats(int panel, int from, int count, float[] out) {
        long at = 4L * PANEL * ((long) panel * cols + from);
        MemorySegment.copy(values.segment(), JAVA_FLOAT, at, out, 0, count * PANEL);
    }

    /** Copies scales and, if there are any, minima of the groups of those columns. */
    void factors(int panel, int from, int count, float[] scalesOut, float[] minimaOut) {
        long at = 4L * PANEL * ((long) panel * (cols / group()) + from / group());
        int length = count / group() * PANEL;
        if (scales != null) {
            MemorySegment.copy(scales.segment(), JAVA_FLOAT, at, scalesOut, 0, length);
        }
        if (minima != null) {
            MemorySegment.copy(minima.segment(), JAVA_FLOAT, at, minimaOut, 0, length);
        }
    }

    @Override
    public void row(int row, float[] out) {
        long base = (long) (row / PANEL) * PANEL * cols + row % PANEL;
        HostBuffer byScale = scales;
        if (byScale == null) {
            for (int k = 0; k < cols; k++) {
                out[k] = values.segment().getAtIndex(JAVA_FLOAT, base + (long) k * PANEL);
            }
            return;
        }
        HostBuffer byMinimum = minima;
        long groupBase = (long) (row / PANEL) * PANEL * (cols / group()) + row % PANEL;
        for (int k = 0; k < cols; k++) {
            long group = groupBase + (long) (k / group()) * PANEL;
            float value =
                    values.segment().get(JAVA_BYTE, base + (long) k * PANEL)
                            * byScale.segment().getAtIndex(JAVA_FLOAT, group);
            out[k] =
                    byMinimum == null
                            ? value
                            : value + byMinimum.segment().getAtIndex(JAVA_FLOAT, group);
        }
    }

    @Override
    public TensorType type() {
        return type;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return cols;
    }

    @Override
    public long residentBytes() {
        return values.bytes()
                + (scales == null ? 0 : scales.bytes())
                + (minima == null ? 0 : minima.bytes());
    }
}

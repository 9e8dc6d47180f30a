package io.baton.kernels;

import static io.baton.kernels.Naive.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.baton.common.model.RopeTable;
import io.baton.common.model.TensorType;
import io.baton.kernels.KernelQueue.Activation;
import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.reference.Dequantizer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What every provider must compute, against plain double arithmetic. */
@ParameterizedClass
@MethodSource("io.baton.kernels.ProviderCase#withEveryRounding")
class KernelsContractTest {
    private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17};

    @Parameter ProviderCase provider = ProviderCase.unset();
    private SplittableRandom random = new SplittableRandom(1);
    private Rig rig = Unset.RIG;

    /** Placeholder until {@link #open}. */
    private static final class Unset {
        private static final Rig RIG = new Rig(ProviderCase.all().findFirst().orElseThrow(), 1);
    }

    @BeforeEach
    void open() {
        rig = new Rig(provider, 2);
        random = new SplittableRandom(42);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @ParameterizedTest
    @EnumSource(TensorType.class)
    void matmulOfEveryFormatAndOddShapes(TensorType type) {
        int block = type.blockElements();
        int[][] shapes =
                block == 1
                        ? new int[][] {{1, 1}, {5, 3}, {8, 33}, {17, 100}, {130, 257}}
                        : new int[][] {{1, block}, {7, 3 * block}, {9, block}, {131, 2 * block}};
        for (int[] shape : shapes) {
            for (int tokens : TOKENS) {
                matmul(type, shape[0], shape[1], tokens);
            }
        }
    }

    private void matmul(TensorType type, int rows, int cols, int tokens) {
        MemorySegment data = RandomBlocks.of(type, (long) rows * cols, random);
        Weight weight = rig.kernels.weight(type, rows, cols, data);
        assertEquals(rows, weight.rows());
        assertEquals(cols, weight.cols());
        float[] x = Rig.gaussian(tokens * cols, random);
        Tensor in = rig.tensor(x, cols);
        Tensor out = rig.tensor(tokens + 1, rows);
        rig.queue.begin(Rig.rows(tokens));
        rig.queue.matmul(in, List.of(new Projection(weight, out)));
        float[] y = rig.read(out, tokens + 1);

        boolean rounds = provider.levels() > 0 && rows > 1 && type.blockElements() > 1;
        double[] effective = rounds ? Naive.rounded(x, provider.levels()) : Naive.widen(x);
        double[] w = GgmlLoops.decode(type, data, rows * cols);
        double[] expected =
                java.util.Arrays.copyOf(Naive.matmul(w, cols, effective, tokens), y.length);
        String what = "%s %dx%d, %d tokens".formatted(type, rows, cols, tokens);
        double norm = provider.tolerance() * Math.sqrt(cols);
        assertClose(expected, y, rows == 1 ? y.length : rows, norm, what);
    }

    @Test
    void matmulSharesItsInputAndMayTakeOtherRows() {
        float[] x = Rig.gaussian(6 * 64, random);
        Tensor in = rig.tensor(x, 64);
        MemorySegment a = RandomBlocks.of(TensorType.Q8_0, 10 * 64, random);
        MemorySegment b = RandomBlocks.of(TensorType.Q4_K, 0, random);
        assertEquals(0, b.byteSize());
        Weight first = rig.kernels.weight(TensorType.Q8_0, 10, 64, a);
        Tensor one = rig.tensor(6, 10);
        Tensor two = rig.tensor(6, 10);
        rig.queue.begin(Rig.rows(6));
        rig.queue.matmul(in, List.of(new Projection(first, one), new Projection(first, two)));
        assertArrayEquals(rig.read(one, 6), rig.read(two, 6));
        Tensor head = rig.tensor(6, 10);
        rig.queue.matmulRows(in, new Projection(first, head), 2);
        float[] rows = rig.read(head, 6);
        assertArrayEquals(
                java.util.Arrays.copyOf(rig.read(one, 6), 20), java.util.Arrays.copyOf(rows, 20));
        assertEquals(0, rows[20]);
    }

    @Test
    void biasIsAddedToTheWholeProduct() {
        for (int cols : new int[] {1, 7, 8, 20, 129}) {
            float[] x = Rig.gaussian(5 * 32, random);
            float[] bias = Rig.gaussian(cols, random);
            Tensor in = rig.tensor(x, 32);
            MemorySegment data = RandomBlocks.of(TensorType.Q8_0, 32L * cols, random);
            Weight weight = rig.kernels.weight(TensorType.Q8_0, cols, 32, data);
            Tensor plain = rig.tensor(5, cols);
            Tensor sums = rig.tensor(5, cols);
            rig.queue.begin(Rig.rows(4));
            rig.queue.matmul(
                    in,
                    List.of(
                            new Projection(weight, rig.vector(bias), sums),
                            new Projection(weight, plain)));
            float[] expected = rig.read(plain, 5);
            for (int i = 0; i < 4 * cols; i++) {
                expected[i] += bias[i % cols];
            }
            assertArrayEquals(expected, rig.read(sums, 5));
            rig.queue.matmulRows(in, new Projection(weight, rig.vector(bias), plain), 4);
            assertArrayEquals(expected, rig.read(plain, 5));
        }
    }

    @Test
    void softcapBendsItsOwnRowsToTheCap() {
        float[] x = {0, -0f, 1e-6f, 0.5f, -0.5f, 3, -3, 29, -31, 300, -1e30f};
        int cols = x.length;
        Tensor t = rig.tensor(3, cols);
        float[] all = new float[3 * cols];
        for (int i = 0; i < all.length; i++) {
            all[i] = x[i % cols];
        }
        rig.write(t, all);
        rig.queue.begin(Rig.rows(1));
        rig.queue.softcap(t, 30, 2);
        float[] y = rig.read(t, 3);
        for (int i = 0; i < all.length; i++) {
            double expected = i < 2 * cols ? 30 * Math.tanh(all[i] / 30.0) : all[i];
            assertEquals(expected, y[i], 1e-5, "" + all[i]);
        }
        // An element's bits do not depend on its place among vectors.
        assertArrayEquals(
                java.util.Arrays.copyOf(y, cols), java.util.Arrays.copyOfRange(y, cols, 2 * cols));
    }

    @Test
    void integerExtremesAreExact() {
        // Largest quanta against largest rows: nothing may saturate on the way.
        for (int fill : new int[] {0x80, 0x7f, 0xff, 0x00}) {
            for (TensorType type : TensorType.values()) {
                if (type.blockElements() == 1) {
                    continue;
                }
                extremes(type, (byte) fill);
            }
        }
    }

    private void extremes(TensorType type, byte fill) {
        int cols = 512;
        int rows = 9;
        MemorySegment data = RandomBlocks.of(type, (long) rows * cols, random);
        int scaleAt = type == TensorType.Q6_K ? 208 : 0;
        int scaleBytes =
                switch (type) {
                    case Q4_1, Q5_1, Q4_K, Q5_K -> 4;
                    case F32, F16, BF16, Q4_0, Q5_0, Q8_0, Q6_K -> 2;
                };
        for (long at = 0; at < data.byteSize(); at++) {
            int inBlock = (int) (at % type.blockBytes());
            if (inBlock < scaleAt || inBlock >= scaleAt + scaleBytes) {
                data.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, fill);
            }
        }
        Weight weight = rig.kernels.weight(type, rows, cols, data);
        double[] w = GgmlLoops.decode(type, data, rows * cols);
        for (float sign : new float[] {1, -1}) {
            float[] x = new float[cols];
            java.util.Arrays.fill(x, sign * 127);
            Tensor in = rig.tensor(x, cols);
            Tensor out = rig.tensor(1, rows);
            rig.queue.begin(Rig.rows(1));
            rig.queue.matmul(in, List.of(new Projection(weight, out)));
            double[] expected = Naive.matmul(w, cols, Naive.widen(x), 1);
            double magnitude = 0;
            for (double value : w) {
                magnitude = Math.max(magnitude, Math.abs(value) * 127 * cols);
            }
            float[] y = rig.read(out, 1);
            for (int i = 0; i < rows; i++) {
                assertEquals(expected[i], y[i], 3e-5 * magnitude, type + " filled with " + fill);
            }
        }
    }

    @Test
    void rmsNormOfRowsAndOfHeads() {
        for (int cols : new int[] {1, 7, 8, 64, 100, 576}) {
            float[] x = Rig.gaussian(3 * cols, random);
            float[] gain = Rig.gaussian(cols, random);
            double[] expected = norm(x, gain, 1e-5);
            Weight weight = rig.vector(gain);
            Tensor in = rig.tensor(x, cols);
            Tensor out = rig.tensor(3, cols);
            rig.queue.begin(Rig.rows(3));
            rig.queue.rmsNorm(in, weight, 1e-5f, out);
            assertClose(expected, rig.read(out, 3), cols, 1e-5, "norm of " + cols);
            rig.queue.rmsNorm(in, weight, 1e-5f, in);
            assertArrayEquals(rig.read(out, 3), rig.read(in, 3));
            Tensor heads = rig.tensor(x, 3 * cols);
            rig.queue.begin(Rig.rows(1));
            rig.queue.rmsNormHeads(heads, weight, 1e-5f);
            assertArrayEquals(rig.read(out, 3), rig.read(heads, 1));
        }
    }

    private static double[] norm(float[] x, float[] gain, double eps) {
        double[] y = new double[x.length];
        for (int from = 0; from < x.length; from += gain.length) {
            double squares = 0;
            for (int i = 0; i < gain.length; i++) {
                squares += (double) x[from + i] * x[from + i];
            }
            double factor = 1 / Math.sqrt(squares / gain.length + eps);
            for (int i = 0; i < gain.length; i++) {
                y[from + i] = x[from + i] * factor * gain[i];
            }
        }
        return y;
    }

    @Test
    void rmsNormAndGatherTakeTheirOwnRows() {
        float[] x = Rig.gaussian(5 * 20, random);
        Tensor in = rig.tensor(x, 20);
        Tensor out = rig.tensor(3, 20);
        rig.queue.begin(Rig.rows(5));
        rig.queue.gather(in, new int[] {4, 0}, out);
        float[] gathered = rig.read(out, 3);
        assertArrayEquals(
                java.util.Arrays.copyOfRange(x, 80, 100),
                java.util.Arrays.copyOfRange(gathered, 0, 20));
        assertArrayEquals(
                java.util.Arrays.copyOf(x, 20), java.util.Arrays.copyOfRange(gathered, 20, 40));
        Weight gain = rig.vector(Rig.gaussian(20, random));
        Tensor normed = rig.tensor(5, 20);
        rig.queue.rmsNorm(in, gain, 1e-6f, normed);
        float[] all = rig.read(normed, 5);
        rig.queue.rmsNormRows(out, gain, 1e-6f, out, 1);
        float[] first = rig.read(out, 3);
        assertArrayEquals(
                java.util.Arrays.copyOfRange(all, 80, 100), java.util.Arrays.copyOf(first, 20));
        assertArrayEquals(
                java.util.Arrays.copyOf(x, 20), java.util.Arrays.copyOfRange(first, 20, 40));
    }

    @ParameterizedTest
    @EnumSource(TensorType.class)
    void embedIsExact(TensorType type) {
        int cols = Math.max(40, type.blockElements() * 2);
        MemorySegment data = RandomBlocks.of(type, 13L * cols, random);
        Weight table = rig.kernels.weight(type, 13, cols, data);
        int[] tokens = {12, 0, 5, 5, 7, 8};
        Tensor out = rig.tensor(6, cols);
        rig.queue.begin(Rig.span(tokens, 0, 0));
        rig.queue.embed(table, 25.25f, out);
        float[] expected = new float[6 * cols];
        float[] row = new float[cols];
        for (int r = 0; r < tokens.length; r++) {
            Dequantizer.row(type, data, tokens[r], cols, row);
            for (int i = 0; i < cols; i++) {
                expected[r * cols + i] = row[i] * 25.25f;
            }
        }
        assertArrayEquals(expected, rig.read(out, 6));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatedUnitOverTheWholeRange(Activation activation) {
        float[] gate = {
            0, -0f, 1e-8f, 0.5f, -0.5f, 3, -3, 9, -9, 30, -30, 88, -88, 200, -200, 1, -1
        };
        float[] up = new float[gate.length];
        double[] expected = new double[gate.length];
        for (int i = 0; i < gate.length; i++) {
            up[i] = i % 2 == 0 ? 1.5f : -2;
            expected[i] = activate(activation, gate[i]) * up[i];
        }
        Tensor g = rig.tensor(gate, gate.length);
        Tensor u = rig.tensor(up, gate.length);
        Tensor out = rig.tensor(1, gate.length);
        rig.queue.begin(Rig.rows(1));
        rig.queue.gatedUnit(activation, g, u, out);
        float[] y = rig.read(out, 1);
        for (int i = 0; i < gate.length; i++) {
            assertEquals(
                    expected[i], y[i], 3e-6 * Math.max(0.1, Math.abs(expected[i])), "" + gate[i]);
        }
        rig.queue.gatedUnit(activation, g, u, g);
        assertArrayEquals(y, rig.read(g, 1));
        rig.queue.add(u, out);
        float[] sum = rig.read(u, 1);
        for (int i = 0; i < sum.length; i++) {
            assertEquals(up[i] + y[i], sum[i]);
        }
    }

    private static double activate(Activation activation, double x) {
        return switch (activation) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH ->
                    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        };
    }

    @Test
    void ropeTurnsEitherPairing() {
        for (boolean interleaved : new boolean[] {true, false}) {
            for (int headDim : new int[] {2, 6, 16, 64, 256}) {
                int rotated = headDim == 64 ? 32 : headDim;
                RopeTable table = RopeTable.of(60, rotated, 10000, new float[0], 1, interleaved);
                float[] x = Rig.gaussian(3 * 2 * headDim, random);
                Tensor t = rig.tensor(x, 2 * headDim);
                rig.queue.begin(Rig.span(new int[3], 47, 0));
                rig.queue.rope(t, headDim, table);
                double[] expected = rope(x, headDim, table, 47);
                assertClose(expected, rig.read(t, 3), 2 * headDim, 1e-6, "rope " + headDim);
            }
        }
    }

    private static double[] rope(float[] x, int headDim, RopeTable table, int position) {
        double[] y = Naive.widen(x);
        int half = table.rotated() / 2;
        for (int head = 0; head < x.length; head += headDim) {
            int p = position + head / (2 * headDim);
            for (int i = 0; i < half; i++) {
                int a = head + (table.interleaved() ? 2 * i : i);
                int b = head + (table.interleaved() ? 2 * i + 1 : i + half);
                double cos = table.cos()[p * half + i];
                double sin = table.sin()[p * half + i];
                y[a] = x[a] * cos - x[b] * sin;
                y[b] = x[a] * sin + x[b] * cos;
            }
        }
        return y;
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsTouched() {
        Tensor in = rig.tensor(2, 64);
        Tensor out = rig.tensor(2, 8);
        MemorySegment data = RandomBlocks.of(TensorType.Q8_0, 8 * 64, random);
        Weight weight = rig.kernels.weight(TensorType.Q8_0, 8, 64, data);
        rig.queue.begin(Rig.rows(3));
        Projection projection = new Projection(weight, out);
        assertThrows(
                IllegalArgumentException.class, () -> rig.queue.matmul(in, List.of(projection)));
        assertThrows(
                IllegalArgumentException.class,
                () -> rig.kernels.weight(TensorType.Q8_0, 8, 65, data));
        assertThrows(
                IllegalArgumentException.class,
                () -> rig.kernels.weight(TensorType.Q8_0, 9, 64, data));
        rig.queue.begin(Rig.span(new int[] {8}, 0, 0));
        assertThrows(
                IllegalArgumentException.class,
                () -> rig.queue.embed(weight, 1, rig.tensor(1, 64)));
        assertThrows(
                IllegalArgumentException.class,
                () -> rig.queue.gather(in, new int[] {2}, rig.tensor(1, 64)));
        Projection biased = new Projection(weight, rig.vector(new float[7]), rig.tensor(2, 8));
        assertThrows(IllegalArgumentException.class, () -> rig.queue.matmulRows(in, biased, 1));
        assertThrows(IllegalArgumentException.class, () -> rig.queue.softcap(in, 30, 3));
        assertThrows(IllegalArgumentException.class, () -> rig.queue.softcap(in, 0, 1));
    }
}

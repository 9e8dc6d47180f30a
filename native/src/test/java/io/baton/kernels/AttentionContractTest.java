package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.KernelQueue.AttentionShape;
import io.baton.kernels.host.Bfloat16;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * KV of every format is stored where the layout says, and attended to, against plain double
 * arithmetic.
 */
@ParameterizedClass
@MethodSource("io.baton.kernels.ProviderCase#all")
class AttentionContractTest {
    private static final int BLOCKS = 40;

    @Parameter ProviderCase provider = ProviderCase.unset();

    @ParameterizedTest
    @CsvSource({
        // query heads, KV heads, head dim, window, first position, rows
        "1, 1, 16, 0, 0, 1",
        "4, 4, 32, 0, 0, 17",
        "9, 3, 64, 0, 0, 40",
        "9, 3, 64, 0, 130, 1",
        "4, 1, 256, 20, 5, 37",
        "4, 1, 256, 512, 90, 3",
        "8, 2, 128, 16, 31, 18",
        "3, 1, 80, 7, 0, 33",
        "2, 2, 20, 0, 16, 16",
        "6, 2, 96, 1, 100, 5",
        "9, 3, 64, 0, 600, 3",
        "4, 2, 40, 300, 500, 70"
    })
    void attentionOfShapes(int heads, int kvHeads, int headDim, int window, int first, int rows) {
        for (KvDtype dtype : KvDtype.values()) {
            KvLayout layout = new KvLayout(2, kvHeads, headDim, dtype, 16);
            attention(layout, new AttentionShape(heads, 0.17f, window), first, rows);
            attention(layout, new AttentionShape(heads, 0.9f, window, 5f), first, rows);
        }
    }

    /** Far positions are joined from parts, which several threads may compute. */
    @ParameterizedTest
    @CsvSource({"0", "300", "31"})
    void aFarRowIsTheSameAloneAndInCompany(int window) {
        KvLayout layout = new KvLayout(1, 2, 48, KvDtype.BF16, 16);
        AttentionShape shape = new AttentionShape(4, 0.3f, window);
        int total = 610;
        int rows = 60;
        SplittableRandom random = new SplittableRandom(window);
        float[] k = Rig.gaussian(total * 96, random);
        float[] v = Rig.gaussian(total * 96, random);
        float[] q = Rig.gaussian(rows * 192, random);
        int[] blocks = shuffled(layout.blocksFor(total), random);
        float[] together = null;
        for (int threads : new int[] {1, 3}) {
            try (Rig rig = new Rig(provider, threads)) {
                KvPages pages =
                        new KvPages(
                                rig.kernels.allocate(layout.blockBytes() * BLOCKS), layout, BLOCKS);
                rig.queue.begin(batch(total, 0, blocks));
                rig.queue.storeKv(rig.tensor(k, 96), rig.tensor(v, 96), pages, 0);
                rig.queue.submit();
                Tensor out = rig.tensor(rows, 192);
                rig.queue.begin(batch(rows, total - rows, blocks));
                rig.queue.attention(rig.tensor(q, 192), pages, 0, shape, out);
                float[] now = rig.read(out, rows);
                together = together == null ? now : together;
                assertArrayEquals(together, now);
                for (int r = 0; r < rows; r += 7) {
                    rig.queue.begin(batch(1, total - rows + r, blocks));
                    float[] query = Arrays.copyOfRange(q, r * 192, (r + 1) * 192);
                    rig.queue.attention(rig.tensor(query, 192), pages, 0, shape, out);
                    float[] expected = Arrays.copyOfRange(together, r * 192, (r + 1) * 192);
                    assertArrayEquals(expected, rig.read(out, 1), "row " + r);
                }
            }
        }
    }

    private void attention(KvLayout layout, AttentionShape shape, int first, int rows) {
        SplittableRandom random = new SplittableRandom(rows);
        int total = first + rows;
        int kvCols = layout.tokenElements();
        float[] k = Rig.gaussian(total * kvCols, random);
        float[] v = Rig.gaussian(total * kvCols, random);
        float[] q = Rig.gaussian(rows * shape.heads() * layout.headDim(), random);
        int[] blocks = shuffled(layout.blocksFor(total), random);
        try (Rig rig = new Rig(provider, 2)) {
            KvPages pages =
                    new KvPages(rig.kernels.allocate(layout.blockBytes() * BLOCKS), layout, BLOCKS);
            rig.queue.begin(batch(total, 0, blocks));
            rig.queue.storeKv(rig.tensor(k, kvCols), rig.tensor(v, kvCols), pages, 1);
            Tensor out = rig.tensor(rows, shape.heads() * layout.headDim());
            rig.queue.submit();
            rig.queue.begin(batch(rows, first, blocks));
            rig.queue.attention(rig.tensor(q, out.cols()), pages, 1, shape, out);
            double[] expected = expected(layout, shape, first, new float[][] {q, k, v});
            Naive.assertClose(
                    expected, rig.read(out, rows), layout.headDim(), 1e-5, layout + " " + shape);
        }
    }

    private static double[] expected(
            KvLayout layout, AttentionShape shape, int first, float[][] qkv) {
        int headDim = layout.headDim();
        int group = shape.heads() / layout.kvHeads();
        int width = shape.heads() * headDim;
        double[] out = new double[qkv[0].length];
        for (int r = 0; r < out.length / width; r++) {
            int position = first + r;
            int low = shape.window() == 0 ? 0 : Math.max(0, position - shape.window() + 1);
            for (int head = 0; head < shape.heads(); head++) {
                int at = r * width + head * headDim;
                int kv = head / group * headDim;
                double[] one =
                        Naive.attention(
                                Naive.widen(Arrays.copyOfRange(qkv[0], at, at + headDim)),
                                p -> stored(layout, qkv[1], p * layout.tokenElements() + kv),
                                p -> stored(layout, qkv[2], p * layout.tokenElements() + kv),
                                new int[] {low, position + 1},
                                score -> capped(score * shape.scale(), shape.softcap()));
                System.arraycopy(one, 0, out, at, headDim);
            }
        }
        return out;
    }

    private static double capped(double score, double cap) {
        return cap == 0 ? score : cap * Math.tanh(score / cap);
    }

    private static double[] stored(KvLayout layout, float[] values, int at) {
        double[] rounded = new double[layout.headDim()];
        float largest = 0;
        for (int d = 0; d < rounded.length; d++) {
            largest = Math.max(largest, Math.abs(values[at + d]));
        }
        for (int d = 0; d < rounded.length; d++) {
            rounded[d] =
                    layout.dtype() == KvDtype.INT8
                            ? largest / 127 * Math.rint(values[at + d] * (127 / largest))
                            : round(layout.dtype(), values[at + d]);
        }
        return rounded;
    }

    private static float round(KvDtype dtype, float value) {
        return switch (dtype) {
            case F32 -> value;
            case BF16 -> Bfloat16.toFloat(Bfloat16.ofFloat(value));
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case INT8 -> throw new IllegalArgumentException("rounded by rows");
        };
    }

    @ParameterizedTest
    @EnumSource(value = KvDtype.class, mode = EnumSource.Mode.EXCLUDE, names = "INT8")
    void storeRoundsToNearestEvenAndTouchesNothingElse(KvDtype dtype) {
        KvLayout layout = new KvLayout(2, 3, 20, dtype, 16);
        SplittableRandom random = new SplittableRandom(3);
        float[] k = Rig.gaussian(4 * 60, random);
        float[] v = Rig.gaussian(4 * 60, random);
        // Ties of both 16-bit formats, the largest, the smallest, and beyond.
        float[] edges = {
            Float.intBitsToFloat(0x3f808000),
            Float.intBitsToFloat(0x3f818000),
            1 + 1f / 2048,
            1 + 3f / 2048,
            65504,
            65520,
            1e-8f,
            5.9604645e-8f,
            2.9802322e-8f,
            -0f,
            Float.MAX_VALUE,
            Float.POSITIVE_INFINITY,
            Float.MIN_VALUE
        };
        System.arraycopy(edges, 0, k, 0, edges.length);
        System.arraycopy(edges, 0, v, 70, edges.length);
        int[] blocks = {7, 2};
        try (Rig rig = new Rig(provider, 2)) {
            long bytes = layout.blockBytes() * BLOCKS;
            KvPages pages = new KvPages(rig.kernels.allocate(bytes), layout, BLOCKS);
            rig.queue.begin(batch(4, 14, blocks));
            rig.queue.storeKv(rig.tensor(k, 60), rig.tensor(v, 60), pages, 1);
            rig.queue.submit();
            rig.queue.await();
            float[] expected = new float[(int) (bytes / dtype.bytes())];
            for (int r = 0; r < 4; r++) {
                int position = 14 + r;
                long block = pages.offset(1, blocks[position / 16]) / dtype.bytes();
                for (int i = 0; i < 60; i++) {
                    int at = (int) block + (i / 20 * 16 + position % 16) * 20 + i % 20;
                    expected[at] = round(dtype, k[r * 60 + i]);
                    expected[at + 3 * 16 * 20] = round(dtype, v[r * 60 + i]);
                }
            }
            assertArrayEquals(expected, contents(pages));
        }
    }

    @Test
    void bytesStandBeforeTheirScale() {
        KvLayout layout = new KvLayout(1, 2, 20, KvDtype.INT8, 16);
        SplittableRandom random = new SplittableRandom(5);
        float[] k = Rig.gaussian(3 * 40, random);
        float[] v = Rig.gaussian(3 * 40, random);
        Arrays.fill(k, 20, 40, 0); // the second head of the first row
        int[] blocks = {7, 2};
        try (Rig rig = new Rig(provider, 2);
                Arena arena = Arena.ofConfined()) {
            long bytes = layout.blockBytes() * BLOCKS;
            KvPages pages = new KvPages(rig.kernels.allocate(bytes), layout, BLOCKS);
            rig.queue.begin(batch(3, 15, blocks));
            rig.queue.storeKv(rig.tensor(k, 40), rig.tensor(v, 40), pages, 0);
            rig.queue.submit();
            rig.queue.await();
            MemorySegment expected = arena.allocate(bytes, 8);
            for (int r = 0; r < 3; r++) {
                for (int head = 0; head < 2; head++) {
                    long at =
                            pages.offset(0, blocks[(15 + r) / 16])
                                    + (head * 16 + (15 + r) % 16) * 24L;
                    row(expected.asSlice(at, 24), k, r * 40 + head * 20);
                    row(expected.asSlice(at + 2 * 16 * 24, 24), v, r * 40 + head * 20);
                }
            }
            MemorySegment actual = arena.allocate(bytes, 8);
            pages.buffer().read(0, actual);
            assertEquals(-1, expected.mismatch(actual));
        }
    }

    private static void row(MemorySegment to, float[] values, int at) {
        float largest = 0;
        for (int d = 0; d < 20; d++) {
            largest = Math.max(largest, Math.abs(values[at + d]));
        }
        for (int d = 0; d < 20 && largest > 0; d++) {
            to.set(ValueLayout.JAVA_BYTE, d, (byte) Math.rint(values[at + d] * (127 / largest)));
        }
        to.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 20, largest / 127);
    }

    private static float[] contents(KvPages pages) {
        KvDtype dtype = pages.layout().dtype();
        try (Arena arena = Arena.ofConfined()) {
            long bytes = pages.layout().blockBytes() * pages.blocks();
            MemorySegment copy = arena.allocate(bytes, 8);
            pages.buffer().read(0, copy);
            assertEquals(bytes, copy.byteSize());
            float[] values = new float[(int) (bytes / dtype.bytes())];
            for (int i = 0; i < values.length; i++) {
                values[i] =
                        switch (dtype) {
                            case F32 -> copy.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                            case BF16 ->
                                    Bfloat16.toFloat(copy.getAtIndex(ValueLayout.JAVA_SHORT, i));
                            case F16 ->
                                    Float.float16ToFloat(
                                            copy.getAtIndex(ValueLayout.JAVA_SHORT, i));
                            case INT8 -> copy.get(ValueLayout.JAVA_BYTE, i);
                        };
            }
            return values;
        }
    }

    private static Batch batch(int rows, int first, int[] blocks) {
        return new Batch(new int[rows], new Batch.Span[] {new Batch.Span(0, rows, first, blocks)});
    }

    private static int[] shuffled(int count, SplittableRandom random) {
        int[] all = Rig.blocks(0, BLOCKS);
        for (int i = BLOCKS - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = all[i];
            all[i] = all[j];
            all[j] = swap;
        }
        return Arrays.copyOf(all, count);
    }
}

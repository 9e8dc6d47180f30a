package io.baton.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.model.RopeTable;
import io.baton.common.model.TensorType;
import io.baton.kernels.KernelQueue.Activation;
import io.baton.kernels.KernelQueue.AttentionShape;
import io.baton.kernels.KernelQueue.Projection;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Class E0: the bits of a row depend on its sequence alone. A small transformer layer runs over one
 * sequence of 75 tokens, cut and accompanied in every way, with 1, 2 and 3 threads.
 */
@ParameterizedClass
@MethodSource("io.baton.kernels.ProviderCase#withEveryRounding")
class ExactnessTest {
    private static final int WIDTH = 256;
    private static final int KV = 128;
    private static final int HEAD = 64;
    private static final int LENGTH = 75;
    private static final int MAX_ROWS = 3 * LENGTH;
    private static final KvLayout LAYOUT = new KvLayout(1, 2, HEAD, KvDtype.BF16, 16);
    private static final List<TensorType> TYPES = List.of(TensorType.values());

    @Parameter ProviderCase provider = ProviderCase.unset();

    @Test
    void aRowIsTheSameHoweverItIsCutAndAccompanied() {
        int[] whole = {LENGTH};
        float[][] expected;
        try (Net net = new Net(provider, 1)) {
            expected = net.run(whole, 0);
        }
        int[][] cuts = {whole, ones(), {16, 59}, {33, 2, 40}, {7, 9, 48, 11}};
        for (int threads = 1; threads <= 3; threads++) {
            try (Net net = new Net(provider, threads)) {
                for (int[] cut : cuts) {
                    for (int others = 0; others <= 2; others++) {
                        float[][] actual = net.run(cut, others);
                        for (int r = 0; r < LENGTH; r++) {
                            for (int i = 0; i < WIDTH; i++) {
                                assertEquals(
                                        Float.floatToRawIntBits(expected[r][i]),
                                        Float.floatToRawIntBits(actual[r][i]),
                                        "row %d, element %d, cut %s, %d others, %d threads"
                                                .formatted(
                                                        r,
                                                        i,
                                                        Arrays.toString(cut),
                                                        others,
                                                        threads));
                            }
                        }
                    }
                }
            }
        }
    }

    private static int[] ones() {
        int[] cut = new int[LENGTH];
        Arrays.fill(cut, 1);
        return cut;
    }

    /** A layer with one projection of every weight format. */
    private static final class Net implements AutoCloseable {
        private final Rig rig;
        private final KvPages pages;
        private final Weight table;
        private final Weight gain;
        private final Weight bias;
        private final Weight keys;
        private final Weight values;
        private final List<Weight> square = new ArrayList<>();
        private final RopeTable rope = RopeTable.of(128, HEAD, 10000, new float[0], 1, false);
        private final Tensor x;
        private final Tensor normed;
        private final Tensor q;
        private final Tensor k;
        private final Tensor v;

        Net(ProviderCase provider, int threads) {
            rig = new Rig(provider, threads);
            SplittableRandom random = new SplittableRandom(11);
            int blocks = 64;
            pages = new KvPages(rig.kernels.allocate(LAYOUT.blockBytes() * blocks), LAYOUT, blocks);
            table = weight(TensorType.Q8_0, 100, random);
            gain = rig.vector(Rig.gaussian(WIDTH, random));
            bias = rig.vector(Rig.gaussian(KV, random));
            keys = weight(TensorType.Q4_1, KV, random);
            values = weight(TensorType.Q6_K, KV, random);
            for (TensorType type : TYPES) {
                square.add(weight(type, WIDTH, random));
            }
            x = rig.tensor(MAX_ROWS, WIDTH);
            normed = rig.tensor(MAX_ROWS, WIDTH);
            q = rig.tensor(MAX_ROWS, WIDTH);
            k = rig.tensor(MAX_ROWS, KV);
            v = rig.tensor(MAX_ROWS, KV);
        }

        private Weight weight(TensorType type, int rows, SplittableRandom random) {
            MemorySegment data = RandomBlocks.of(type, (long) rows * WIDTH, random);
            return rig.kernels.weight(type, rows, WIDTH, data);
        }

        /**
         * Rows of the sequence, computed in the given cuts beside {@code others} other sequences.
         */
        float[][] run(int[] cut, int others) {
            float[][] result = new float[LENGTH][];
            int done = 0;
            for (int rows : cut) {
                // Another sequence before ours, so that our rows start anywhere in a tile.
                List<Batch.Span> spans = new ArrayList<>();
                int row = 0;
                for (int other = 0; other < others; other++) {
                    int length = other == 0 ? 3 : rows;
                    spans.add(new Batch.Span(row, length, done, Rig.blocks(8 * (other + 1), 8)));
                    row += length;
                }
                int ours = row;
                spans.add(new Batch.Span(row, rows, done, Rig.blocks(0, 5)));
                float[] out =
                        step(
                                new Batch(
                                        tokens(row + rows, ours, done),
                                        spans.toArray(Batch.Span[]::new)));
                for (int r = 0; r < rows; r++) {
                    int at = (ours + r) * WIDTH;
                    result[done + r] = Arrays.copyOfRange(out, at, at + WIDTH);
                }
                done += rows;
            }
            return result;
        }

        private static int[] tokens(int rows, int ours, int done) {
            int[] tokens = new int[rows];
            for (int r = 0; r < rows; r++) {
                tokens[r] = r < ours ? 99 - r % 50 : (done + r - ours) * 7 % 50;
            }
            return tokens;
        }

        private float[] step(Batch batch) {
            KernelQueue queue = rig.queue;
            queue.begin(batch);
            queue.embed(table, 3, x);
            queue.rmsNorm(x, gain, 1e-6f, normed);
            queue.matmul(
                    normed,
                    List.of(
                            new Projection(square.get(TYPES.indexOf(TensorType.Q4_0)), q),
                            new Projection(keys, bias, k),
                            new Projection(values, v)));
            queue.rope(q, HEAD, rope);
            queue.rope(k, HEAD, rope);
            queue.storeKv(k, v, pages, 0);
            queue.attention(q, pages, 0, new AttentionShape(4, 0.125f, 20), normed);
            queue.add(x, normed);
            queue.attention(q, pages, 0, new AttentionShape(4, 0.125f, 0), normed);
            queue.add(x, normed);
            queue.attention(q, pages, 0, new AttentionShape(4, 0.125f, 33, 1.5f), normed);
            queue.add(x, normed);
            queue.softcap(x, 30, batch.rows());
            for (Weight weight : square) {
                queue.rmsNorm(x, gain, 1e-6f, normed);
                queue.matmul(normed, List.of(new Projection(weight, q)));
                queue.gatedUnit(Activation.SILU, q, normed, q);
                queue.gatedUnit(Activation.GELU_TANH, q, normed, q);
                queue.add(x, q);
            }
            return rig.read(x, batch.rows());
        }

        @Override
        public void close() {
            rig.close();
        }
    }
}

package io.baton.kv.codec.klt;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;

/** A made-up model's attention: correlated keys and values, queries that look at some of them. */
final class Attention {
    static final int LAYERS = 2;
    static final int HEADS = 4;
    static final int KV_HEADS = 2;
    static final int DIM = 16;
    static final int HIDDEN = 24;
    static final KltModel MODEL =
            new KltModel(
                    HEADS,
                    KV_HEADS,
                    DIM,
                    0.25f,
                    List.of(
                            new KltModel.Layer(
                                    new float[] {1, 0.5f, 0.2f, 0.1f, 0.05f, 0.02f, 0.01f, 0.001f},
                                    true,
                                    0),
                            new KltModel.Layer(new float[] {1, 0.3f, 0.1f, 0.03f}, false, 50)));

    private final SplittableRandom random;
    private final float[][] mixing = new float[2 * LAYERS][];

    Attention(long seed) {
        random = new SplittableRandom(seed);
        SplittableRandom model = new SplittableRandom(1);
        for (int i = 0; i < mixing.length; i++) {
            mixing[i] = new float[KV_HEADS * DIM * DIM];
            for (int j = 0; j < mixing[i].length; j++) {
                // Later sources weigh less, so that a transform has something to find.
                mixing[i][j] = (float) (model.nextGaussian() * StrictMath.exp(-0.3 * (j % DIM)));
            }
        }
    }

    /** The profile of this attention. */
    static KltProfile profile() {
        KltStatistics statistics = new KltStatistics(MODEL);
        SplittableRandom random = new SplittableRandom(2);
        for (int layer = 0; layer < LAYERS; layer++) {
            float[] output = new float[HEADS * DIM * HIDDEN];
            for (int i = 0; i < output.length; i++) {
                output[i] = (float) random.nextGaussian();
            }
            statistics.output(layer, output);
        }
        Attention texts = new Attention(3);
        for (int layer = 0; layer < LAYERS; layer++) {
            statistics.add(texts.text(layer, 400));
        }
        KltTransform[] transforms = statistics.transforms();
        float step = KltSteps.of(transforms);
        KltTables tables = new KltTables(MODEL, transforms, step);
        for (int layer = 0; layer < LAYERS; layer++) {
            tables.count(texts.text(layer, 300));
        }
        return KltProfile.of(MODEL, transforms, tables, step);
    }

    KltStatistics.Text text(int layer, int rows) {
        float[] queries = new float[rows * HEADS * DIM];
        for (int i = 0; i < queries.length; i++) {
            queries[i] = (float) random.nextGaussian();
        }
        return new KltStatistics.Text(
                layer, rows, queries, mixed(2 * layer, rows), mixed(2 * layer + 1, rows), 50);
    }

    /** Rows of all KV heads. */
    private float[] mixed(int index, int rows) {
        float[] out = new float[rows * KV_HEADS * DIM];
        float[] sources = new float[DIM];
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < KV_HEADS; head++) {
                for (int s = 0; s < DIM; s++) {
                    sources[s] = (float) random.nextGaussian();
                }
                for (int d = 0; d < DIM; d++) {
                    float sum = 0.3f * d;
                    for (int s = 0; s < DIM; s++) {
                        sum += mixing[index][(head * DIM + d) * DIM + s] * sources[s];
                    }
                    out[(row * KV_HEADS + head) * DIM + d] = sum;
                }
            }
        }
        return out;
    }

    static PartShape part(KvDtype dtype, int layer, int firstToken, int blocks) {
        return new PartShape(
                new KvLayout(LAYERS, KV_HEADS, DIM, dtype, 16), layer, 1, firstToken, blocks);
    }

    /** KV of a text as the pool has it: keys are rotated. */
    byte[] kv(PartShape part) {
        int rows = 16 * part.blocks();
        KltModel.Layer layer = MODEL.layers().get(part.firstLayer());
        float[][] sides = {
            mixed(2 * part.firstLayer(), rows), mixed(2 * part.firstLayer() + 1, rows)
        };
        byte[] raw = new byte[(int) part.rawBytes()];
        MemorySegment out = MemorySegment.ofArray(raw);
        long at = 0;
        for (int block = 0; block < part.blocks(); block++) {
            for (int head = 0; head < 2 * KV_HEADS; head++) {
                for (int t = 0; t < 16; t++) {
                    int row = 16 * block + t;
                    float[] x = new float[DIM];
                    System.arraycopy(
                            sides[head / KV_HEADS],
                            (row * KV_HEADS + head % KV_HEADS) * DIM,
                            x,
                            0,
                            DIM);
                    if (head < KV_HEADS) {
                        rotate(layer, x, part.firstToken() + row);
                    }
                    for (float value : x) {
                        short bits =
                                part.layout().dtype() == KvDtype.F16
                                        ? Float.floatToFloat16(value)
                                        : (short) (Float.floatToRawIntBits(value) >>> 16);
                        out.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, bits);
                        at += 2;
                    }
                }
            }
        }
        return raw;
    }

    private static void rotate(KltModel.Layer layer, float[] x, int position) {
        for (int pair = 0; pair < layer.angles().length; pair++) {
            double cos = StrictMath.cos((double) layer.angles()[pair] * position);
            double sin = StrictMath.sin((double) layer.angles()[pair] * position);
            float a = x[layer.first(pair)];
            float b = x[layer.second(pair)];
            x[layer.first(pair)] = (float) (a * cos - b * sin);
            x[layer.second(pair)] = (float) (b * cos + a * sin);
        }
    }
}

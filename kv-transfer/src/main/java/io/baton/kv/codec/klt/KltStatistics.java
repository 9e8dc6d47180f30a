package io.baton.kv.codec.klt;

/**
 * Gathers what transforms are made of: second moments of keys and values, and how much an error in
 * them harms what attention gives.
 *
 * <p>Of a query i and its head's probabilities p over positions j, an error {@code e} in key j
 * changes the score by {@code scale * (R(i - j) q) . e}, and so the head's output by {@code p_j *
 * that * (v_j - o)}; an error in value j changes it by {@code p_j e}. Through the head's part of
 * the output projection, and relative to the residual stream it is added to, the squares of these,
 * summed over positions and averaged over queries, are
 *
 * <pre>
 *   keys:   e' C e,  C = mean over i of sum over j of  p_j^2 |v_j - o|_W^2 scale^2 z z',  z = R(i - j) q
 *   values: e' W e,  W = mean over i of sum over j of  p_j^2  Wo' Wo / |stream|^2
 * </pre>
 *
 * where errors of different tokens are taken to be independent. Both have one unit, so that keys,
 * values, heads and layers share one step. The first tokens, which everything attends to, are coded
 * exactly and left out. Sums over j for C are estimated from four positions drawn systematically in
 * proportion to p^2, so that the result depends on the texts alone.
 *
 * <p>Plain loops in fixed order: equal texts and weights give equal bits on every machine. One
 * thread.
 */
public final class KltStatistics {
    /** First tokens, coded exactly. */
    public static final int SINKS = 4;

    private static final int FIRST_QUERY = 64;
    private static final int QUERY_STEP = 16;
    private static final int DRAWS = 4;

    private final KltModel model;
    private final Moments[] keys;
    private final Moments[] values;
    private final double[][] keyMetric;
    private final double[][] valueMetric;
    private final double[][] outputMetric;
    private long queries;

    public KltStatistics(KltModel model) {
        this.model = model;
        int heads = model.layers().size() * model.kvHeads();
        int square = model.headDim() * model.headDim();
        keys = new Moments[heads];
        values = new Moments[heads];
        keyMetric = new double[heads][square];
        valueMetric = new double[heads][square];
        outputMetric = new double[model.layers().size() * model.heads()][square];
        for (int i = 0; i < heads; i++) {
            keys[i] = new Moments(model.headDim());
            values[i] = new Moments(model.headDim());
        }
    }

    /**
     * Sets a layer's output projection.
     *
     * @param rows {@code [heads * headDim, hidden]}: what each element of the heads adds to the
     *     stream
     */
    public void output(int layer, float[] rows) {
        int dim = model.headDim();
        int hidden = rows.length / (model.heads() * dim);
        for (int head = 0; head < model.heads(); head++) {
            double[] metric = outputMetric[layer * model.heads() + head];
            for (int a = 0; a < dim; a++) {
                for (int b = 0; b <= a; b++) {
                    double sum = 0;
                    int x = (head * dim + a) * hidden;
                    int y = (head * dim + b) * hidden;
                    for (int i = 0; i < hidden; i++) {
                        sum += (double) rows[x + i] * rows[y + i];
                    }
                    metric[a * dim + b] = sum;
                    metric[b * dim + a] = sum;
                }
            }
        }
    }

    /**
     * Adds a text in one layer; every text must be added in every layer.
     *
     * @param rows tokens, from position 0 on
     * @param queries {@code [rows, heads * headDim]}, before rotation as keys are
     * @param keys {@code [rows, kvHeads * headDim]}
     * @param values {@code [rows, kvHeads * headDim]}
     * @param streamSquare what the square of an error in the output projection's result is divided
     *     by: the mean square length of the stream, times that of the result's elements where a
     *     norm follows
     */
    public record Text(
            int layer,
            int rows,
            float[] queries,
            float[] keys,
            float[] values,
            double streamSquare) {}

    public void add(Text text) {
        int width = model.kvHeads() * model.headDim();
        for (int head = 0; head < model.kvHeads(); head++) {
            int index = text.layer() * model.kvHeads() + head;
            for (int row = SINKS; row < text.rows(); row++) {
                int at = row * width + head * model.headDim();
                keys[index].add(text.keys(), at);
                values[index].add(text.values(), at);
            }
            addMetric(text, head);
        }
        if (text.layer() == 0) {
            for (int i = FIRST_QUERY; i < text.rows(); i += QUERY_STEP) {
                queries++;
            }
        }
    }

    private void addMetric(Text text, int kvHead) {
        AttendedHead attended = new AttendedHead(model, text, kvHead);
        int group = model.heads() / model.kvHeads();
        int index = text.layer() * model.kvHeads() + kvHead;
        for (int i = FIRST_QUERY; i < text.rows(); i += QUERY_STEP) {
            for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
                double[] output = outputMetric[text.layer() * model.heads() + head];
                double squares = attended.attend(head, i) / text.streamSquare();
                addScaled(valueMetric[index], output, squares);
                for (int draw = 0; draw < DRAWS; draw++) {
                    int j = attended.draw((draw + 0.5) / DRAWS);
                    double harm = attended.distance(j, output) * squares / DRAWS;
                    float[] z = attended.turned(j);
                    addProduct(keyMetric[index], z, harm * model.scale() * model.scale());
                }
            }
        }
    }

    private static void addScaled(double[] sum, double[] matrix, double factor) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += factor * matrix[i];
        }
    }

    private static void addProduct(double[] sum, float[] z, double factor) {
        int dim = z.length;
        for (int a = 0; a < dim; a++) {
            double scaled = factor * z[a];
            for (int b = 0; b < dim; b++) {
                sum[a * dim + b] += scaled * z[b];
            }
        }
    }

    /** The transforms of all heads, keys before values in each layer. */
    public KltTransform[] transforms() {
        int heads = model.kvHeads();
        KltTransform[] transforms = new KltTransform[2 * keys.length];
        for (int layer = 0; layer < model.layers().size(); layer++) {
            for (int head = 0; head < heads; head++) {
                int index = layer * heads + head;
                int at = 2 * layer * heads + head;
                transforms[at] = KltTransform.of(keys[index], mean(keyMetric[index]));
                transforms[at + heads] = KltTransform.of(values[index], mean(valueMetric[index]));
            }
        }
        return transforms;
    }

    private double[] mean(double[] sums) {
        double[] mean = sums.clone();
        for (int i = 0; i < mean.length; i++) {
            mean[i] /= Math.max(1, queries);
        }
        return mean;
    }
}

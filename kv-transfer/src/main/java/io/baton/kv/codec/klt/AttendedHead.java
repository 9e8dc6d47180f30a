package io.baton.kv.codec.klt;

/**
 * One KV head of one text: attends with a query at a time, and tells of its probabilities what
 * {@link KltStatistics} wants. One thread; what it returns stands until the next query.
 */
final class AttendedHead {
    private final KltModel model;
    private final KltModel.Layer layer;
    private final KltStatistics.Text text;
    private final int kvHead;
    private final float[] keys;
    private final float[] query;
    private final float[] turned;
    private final double[] squares;
    private final double[] output;
    private final double[] difference;
    private int head;
    private int position;

    AttendedHead(KltModel model, KltStatistics.Text text, int kvHead) {
        this.model = model;
        this.layer = model.layers().get(text.layer());
        this.text = text;
        this.kvHead = kvHead;
        int dim = model.headDim();
        keys = new float[text.rows() * dim];
        query = new float[dim];
        turned = new float[dim];
        output = new double[dim];
        difference = new double[dim];
        squares = new double[text.rows()];
        for (int j = 0; j < text.rows(); j++) {
            System.arraycopy(text.keys(), at(j), keys, j * dim, dim);
            turn(keys, j * dim, j);
        }
    }

    /** Where this head's row begins among keys or values. */
    private int at(int j) {
        return (j * model.kvHeads() + kvHead) * model.headDim();
    }

    private void turn(float[] x, int at, int positions) {
        float[] angles = layer.angles();
        for (int pair = 0; pair < angles.length; pair++) {
            double angle = (double) angles[pair] * positions;
            double cos = StrictMath.cos(angle);
            double sin = StrictMath.sin(angle);
            int first = at + layer.first(pair);
            int second = at + layer.second(pair);
            double a = x[first];
            double b = x[second];
            x[first] = (float) (a * cos - b * sin);
            x[second] = (float) (b * cos + a * sin);
        }
    }

    /**
     * Attends with a query head at a position.
     *
     * @return the sum of its squared probabilities, without those of the first tokens
     */
    double attend(int queryHead, int at) {
        head = queryHead;
        position = at;
        int dim = model.headDim();
        int from = layer.window() == 0 ? 0 : Math.max(0, at - layer.window() + 1);
        System.arraycopy(text.queries(), queryAt(), query, 0, dim);
        turn(query, 0, at);
        double[] weights = new double[at + 1];
        double most = Double.NEGATIVE_INFINITY;
        for (int j = from; j <= at; j++) {
            float score = 0;
            for (int d = 0; d < dim; d++) {
                score += query[d] * keys[j * dim + d];
            }
            weights[j] = score * model.scale();
            most = Math.max(most, weights[j]);
        }
        double sum = 0;
        for (int j = from; j <= at; j++) {
            weights[j] = StrictMath.exp(weights[j] - most);
            sum += weights[j];
        }
        java.util.Arrays.fill(output, 0);
        double total = 0;
        for (int j = 0; j <= at; j++) {
            double p = j < from ? 0 : weights[j] / sum;
            addValue(j, p);
            total += j < KltStatistics.SINKS ? 0 : p * p;
            squares[j] = total;
        }
        return total;
    }

    private int queryAt() {
        return (position * model.heads() + head) * model.headDim();
    }

    private void addValue(int j, double p) {
        if (p == 0) {
            return;
        }
        int value = at(j);
        for (int d = 0; d < output.length; d++) {
            output[d] += p * text.values()[value + d];
        }
    }

    /** The position up to which this share of the squared probabilities lies. */
    int draw(double share) {
        double wanted = share * squares[position];
        int low = KltStatistics.SINKS;
        int high = position;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (squares[middle] < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** {@code |v_j - o|^2} in a metric {@code [dim, dim]}. */
    double distance(int j, double[] metric) {
        int dim = model.headDim();
        for (int d = 0; d < dim; d++) {
            difference[d] = text.values()[at(j) + d] - output[d];
        }
        double sum = 0;
        for (int a = 0; a < dim; a++) {
            double line = 0;
            for (int b = 0; b < dim; b++) {
                line += metric[a * dim + b] * difference[b];
            }
            sum += line * difference[a];
        }
        return sum;
    }

    /** The query as an unrotated key at j sees it. */
    float[] turned(int j) {
        System.arraycopy(text.queries(), queryAt(), turned, 0, turned.length);
        turn(turned, 0, position - j);
        return turned;
    }
}

package io.baton.kv.codec.klt;

/** Count, sum and second moments of vectors; one thread. */
final class Moments {
    private final int dim;
    private final double[] sums;
    private final double[] products;
    private long count;

    Moments(int dim) {
        this.dim = dim;
        this.sums = new double[dim];
        this.products = new double[dim * dim];
    }

    int dim() {
        return dim;
    }

    /** Adds {@code x[at .. at + dim)}. */
    void add(float[] x, int at) {
        count++;
        for (int a = 0; a < dim; a++) {
            double value = x[at + a];
            sums[a] += value;
            int line = a * dim;
            for (int b = 0; b <= a; b++) {
                products[line + b] += value * x[at + b];
            }
        }
    }

    double[] mean() {
        double[] mean = new double[dim];
        for (int i = 0; i < dim; i++) {
            mean[i] = sums[i] / Math.max(1, count);
        }
        return mean;
    }

    /** {@code [dim, dim]}. */
    double[] covariance() {
        double[] mean = mean();
        double[] covariance = new double[dim * dim];
        for (int a = 0; a < dim; a++) {
            for (int b = 0; b <= a; b++) {
                double value = products[a * dim + b] / Math.max(1, count) - mean[a] * mean[b];
                covariance[a * dim + b] = value;
                covariance[b * dim + a] = value;
            }
        }
        return covariance;
    }
}

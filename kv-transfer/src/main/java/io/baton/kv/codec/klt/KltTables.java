package io.baton.kv.codec.klt;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.transform.HeadTransform;

/**
 * Counts what coefficients are rounded to, on other texts than those that the transforms come from,
 * and makes tables of it: one for each of {@link KltClasses} of keys and of values. A coefficient
 * is counted at every level, so that a class has seen many. One thread.
 */
public final class KltTables {
    /** Symbols of a Laplace distribution that a class begins with, so that none is without. */
    private static final double PRIOR = 256;

    private static final int MOST = HeadTransform.MAX_BOUND;
    private static final double TAIL = 0.5 / RansCoder.TOTAL;

    private final KltModel model;
    private final KltTransform[] transforms;
    private final double step;

    /** By class of keys, then values, and magnitude; the last is all beyond. */
    private final long[][] counts = new long[2 * KltClasses.COUNT][MOST + 2];

    /**
     * @param step of level 0
     */
    public KltTables(KltModel model, KltTransform[] transforms, double step) {
        this.model = model;
        this.transforms = transforms.clone();
        this.step = step;
    }

    /** Adds one layer of a text. */
    public void count(KltStatistics.Text text) {
        int heads = model.kvHeads();
        for (int head = 0; head < 2 * heads; head++) {
            boolean isKey = head < heads;
            count(
                    transforms[2 * heads * text.layer() + head],
                    isKey ? text.keys() : text.values(),
                    head % heads,
                    isKey);
        }
    }

    private void count(KltTransform transform, float[] rows, int head, boolean isKey) {
        int dim = model.headDim();
        int width = model.kvHeads() * dim;
        for (int j = 0; j < dim; j++) {
            double deviation = transform.deviations()[j];
            if (KltClasses.of(deviation / step) < 0) {
                return;
            }
            for (int row = KltStatistics.SINKS; row < rows.length / width; row++) {
                double y = 0;
                for (int d = 0; d < dim; d++) {
                    double x = rows[row * width + head * dim + d] - transform.mean()[d];
                    y += transform.forward()[j * dim + d] * x;
                }
                count(Math.abs(y), deviation, isKey);
            }
        }
    }

    private void count(double magnitude, double deviation, boolean isKey) {
        for (int level = 0; level < KltProfile.LEVELS; level++) {
            double levelStep = step * KltProfile.factor(level);
            int index = KltClasses.of(deviation / levelStep);
            if (index < 0) {
                return;
            }
            int table = isKey ? index : index + KltClasses.COUNT;
            counts[table][(int) Math.min(MOST + 1, Math.rint(magnitude / levelStep))]++;
        }
    }

    /**
     * A table.
     *
     * @param bound largest magnitude that has a symbol
     * @param frequencies 256 of them, by the symbol as an unsigned byte; they sum to 4096
     */
    record Table(int bound, int[] frequencies) {}

    /** All tables: by class, of keys, then of values. */
    Table[] tables() {
        Table[] tables = new Table[counts.length];
        for (int i = 0; i < tables.length; i++) {
            tables[i] = table(shares(counts[i], KltClasses.deviation(i % KltClasses.COUNT)));
        }
        return tables;
    }

    /** Shares of magnitudes, the last of all beyond. */
    private static double[] shares(long[] counts, double deviation) {
        double[] shares = new double[counts.length];
        double decay = StrictMath.sqrt(2) / deviation;
        double sum = PRIOR;
        for (long count : counts) {
            sum += count;
        }
        for (int i = 0; i < shares.length; i++) {
            double from = i == 0 ? 1 : StrictMath.exp(-decay * (i - 0.5));
            double to = i == shares.length - 1 ? 0 : StrictMath.exp(-decay * (i + 0.5));
            shares[i] = (counts[i] + PRIOR * (from - to)) / sum;
        }
        return shares;
    }

    private static Table table(double[] shares) {
        int bound = MOST;
        double beyond = shares[MOST + 1];
        while (bound > 0 && beyond + shares[bound] < TAIL) {
            beyond += shares[bound--];
        }
        int[] frequencies = new int[RansCoder.SYMBOLS];
        frequencies[KltProfile.ESCAPE] = frequency(beyond);
        int left = RansCoder.TOTAL - frequencies[KltProfile.ESCAPE];
        for (int q = 1; q <= bound; q++) {
            int frequency = frequency(shares[q] / 2);
            frequencies[q] = frequency;
            frequencies[-q & 0xff] = frequency;
            left -= 2 * frequency;
        }
        // What rounding left over goes to zero, or is taken from the most frequent of the others.
        for (int q = 1; left < 1; q = q % bound + 1) {
            if (frequencies[q] > 1) {
                frequencies[q]--;
                frequencies[-q & 0xff]--;
                left += 2;
            }
        }
        frequencies[0] = left;
        return new Table(bound, frequencies);
    }

    /** Bits that a coefficient of a class takes, by the distribution that its table begins with. */
    static double bits(int index) {
        double[] shares = shares(new long[MOST + 2], KltClasses.deviation(index));
        double bits = 0;
        for (int q = 0; q < shares.length; q++) {
            // Both signs have half a share each.
            double one = q == 0 ? shares[q] : shares[q] / 2;
            bits -= one > 0 ? shares[q] * StrictMath.log(one) / StrictMath.log(2) : 0;
        }
        return bits;
    }

    private static int frequency(double share) {
        return (int) Math.max(1, Math.rint(share * RansCoder.TOTAL));
    }
}

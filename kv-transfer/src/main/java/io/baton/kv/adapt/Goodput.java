package io.baton.kv.adapt;

/**
 * How many coded bytes a link delivers in a second, by what has been acknowledged: an exponentially
 * weighted mean and variance, in which a long measurement counts more than a short one. It lives as
 * long as the link, over its transfers.
 */
public final class Goodput {
    /** A measurement of so long replaces most of what was known (weight 1 - 1/e). */
    private static final double MEMORY_NANOS = 150e6;

    /** The memory for decisions that are final: a burst of another user's must not decide them. */
    private static final double LONG_MEMORY_NANOS = 1e9;

    /** Even a short measurement counts so much. */
    private static final double LEAST_WEIGHT = 0.2;

    /** And one standstill does not wipe it out. */
    private static final double MOST_LONG_WEIGHT = 0.25;

    /** Where other things took so much of the time, they hide what the link can do. */
    private static final double OTHER_DECIDES = 0.7;

    /** Where the link was not the bottleneck it may be faster: look so much higher. */
    private static final double STEP_UP = 2;

    /** At most so much higher than it has shown. */
    private static final double MOST_ABOVE_SHOWN = 4;

    /** And hardly higher than what was measured of it within this time. */
    private static final long SURE_NANOS = 500_000_000;

    private static final double SURE_STEP_UP = 1.2;

    private double mean;
    private double variance;
    private double longMean;
    private long observedNanos;
    private long lastNanos;
    private double measuredLink;
    private long measuredLinkNanos;

    /** Mean, bytes per second; 0 before the first measurement. */
    public double mean() {
        return mean;
    }

    /** Standard deviation, bytes per second. */
    public double deviation() {
        return Math.sqrt(variance);
    }

    /**
     * So many bytes were acknowledged after so long.
     *
     * @param nanos from when the link had them to take, or from the acknowledgement before
     * @param otherNanos what decoding and the round trip take of it: where that is nearly all, the
     *     link is at least so fast
     */
    public void delivered(long bytes, long nanos, double otherNanos, long nowNanos) {
        double speed = bytes * 1e9 / Math.max(1, nanos);
        if (mean == 0) {
            mean = speed;
            longMean = speed;
            // Nothing is known of how it varies: by half, until measured.
            variance = speed * speed / 4;
        } else if (otherNanos > OTHER_DECIDES * nanos) {
            boolean sure = measuredLink > 0 && nowNanos - measuredLinkNanos < SURE_NANOS;
            double most = sure ? SURE_STEP_UP * measuredLink : MOST_ABOVE_SHOWN * speed;
            mean = Math.max(Math.max(mean, speed), Math.min(mean * STEP_UP, most));
            longMean = Math.max(longMean, speed);
        } else {
            double weight = Math.max(LEAST_WEIGHT, 1 - Math.exp(-nanos / MEMORY_NANOS));
            double off = speed - mean;
            mean += weight * off;
            variance = (1 - weight) * (variance + weight * off * off);
            double longWeight = 1 - Math.exp(-nanos / LONG_MEMORY_NANOS);
            longMean += Math.min(MOST_LONG_WEIGHT, longWeight) * (speed - longMean);
        }
        if (otherNanos <= OTHER_DECIDES * nanos) {
            measuredLink = speed;
            measuredLinkNanos = nowNanos;
        }
        observedNanos += nanos;
        lastNanos = nowNanos;
    }

    /** For how long the link was seen at work, all measurements together. */
    public long observedNanos() {
        return observedNanos;
    }

    /** Forgets what is older than {@code staleNanos}: the link may be another one by now. */
    public void forgetStale(long nowNanos, long staleNanos) {
        if (mean > 0 && nowNanos - lastNanos > staleNanos) {
            mean = 0;
            variance = 0;
            longMean = 0;
            observedNanos = 0;
            measuredLink = 0;
        }
    }

    /**
     * What to count on: the mean less so many deviations, at least a third of it; and no more than
     * what waits shows, if it has waited for long.
     *
     * @param waitingBytes bytes on their way that are not acknowledged
     * @param waitedNanos for how long nothing was acknowledged
     */
    public double cautious(double deviations, long waitingBytes, long waitedNanos) {
        double low = Math.max(mean / 3, mean - deviations * deviation());
        return Math.min(low, shown(waitingBytes, waitedNanos));
    }

    /**
     * What to expect of the link in the long run, for decisions that are final: the better one of a
     * short and a long memory.
     */
    public double expected() {
        return Math.max(mean, longMean);
    }

    private static double shown(long waitingBytes, long waitedNanos) {
        return waitingBytes <= 0 || waitedNanos <= 0
                ? Double.POSITIVE_INFINITY
                : waitingBytes * 1e9 / waitedNanos;
    }
}

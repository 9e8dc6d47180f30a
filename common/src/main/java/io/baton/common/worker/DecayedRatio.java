package io.baton.common.worker;

/**
 * A moving average of a rate: the ratio of two sums in which each older observation counts for
 * {@code decay} times the one after it. Long observations weigh more than short ones, as they
 * should. Safe for any thread.
 */
public final class DecayedRatio {
    private final double decay;
    private double numerator;
    private double denominator;

    /**
     * @param decay in (0, 1); 0.9 remembers about ten observations
     */
    public DecayedRatio(double decay) {
        if (!(decay > 0 && decay < 1)) {
            throw new IllegalArgumentException("decay must lie between 0 and 1: " + decay);
        }
        this.decay = decay;
    }

    /** Adds one observation; one with a denominator of 0 or less is left out. */
    public synchronized void add(double above, double below) {
        if (below > 0) {
            numerator = numerator * decay + above;
            denominator = denominator * decay + below;
        }
    }

    /** The average; 0 while unknown. */
    public synchronized double value() {
        return denominator > 0 ? numerator / denominator : 0;
    }
}

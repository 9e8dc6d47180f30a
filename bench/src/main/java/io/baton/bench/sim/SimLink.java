package io.baton.bench.sim;

import java.util.random.RandomGenerator;

/**
 * A link that all its users share, in the order in which they send. What is lost comes late: a
 * reliable transport sends it again after a time, and what follows waits for it.
 */
public final class SimLink {
    /**
     * @param perByte chance that a byte is among those lost, such as 1e-9
     * @param stallNanos what a loss costs
     */
    public record Loss(double perByte, long stallNanos) {
        public static final Loss NONE = new Loss(0, 0);
    }

    private final Simulation simulation;
    private final BandwidthTrace trace;
    private final long latencyNanos;
    private final Loss loss;
    private final RandomGenerator random;
    private long freeNanos;

    /**
     * @param latencyNanos one way
     * @param random decides what is lost
     */
    public SimLink(
            Simulation simulation,
            BandwidthTrace trace,
            long latencyNanos,
            Loss loss,
            RandomGenerator random) {
        this.simulation = simulation;
        this.trace = trace;
        this.latencyNanos = latencyNanos;
        this.loss = loss;
        this.random = random;
    }

    /** When the link is through with what was given to it. */
    public long freeNanos() {
        return freeNanos;
    }

    /** Sends; {@code arrived} runs when the last byte is there. */
    public void send(long bytes, Runnable arrived) {
        long begin = Math.max(simulation.nanos(), freeNanos);
        long end = trace.doneNanos(begin, bytes);
        double lost = -Math.expm1(bytes * Math.log1p(-loss.perByte()));
        if (loss.perByte() > 0 && random.nextDouble() < lost) {
            end += loss.stallNanos();
        }
        freeNanos = end;
        simulation.at(end + latencyNanos, arrived);
    }
}

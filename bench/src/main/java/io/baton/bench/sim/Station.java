package io.baton.bench.sim;

/** Serves one job after the other: a core that codes, an engine that computes. */
public final class Station {
    private final Simulation simulation;
    private long freeNanos;

    public Station(Simulation simulation) {
        this.simulation = simulation;
    }

    /** Does a job of so long after those before it; {@code done} runs at its end. */
    public void serve(double nanos, Runnable done) {
        freeNanos = Math.max(simulation.nanos(), freeNanos) + (long) Math.ceil(nanos);
        simulation.at(freeNanos, done);
    }
}

package io.baton.kv.adapt;

import io.baton.kv.adapt.Reason.Why;
import java.util.Optional;

/**
 * Chooses for each chunk of one transfer how it is sent. As CacheGen (section 5.3 of its paper) it
 * foresees how long the rest takes at every level and by computing it again, and takes the finest
 * that keeps the time. Beyond the paper: the link is counted on for less the more it varies; a
 * level must pay, not only fit: the time allowed is what is left, but no more than the fastest way
 * and some patience; changes have a hysteresis; text must be sooner by a margin, as it is final.
 *
 * <p>Not safe for several threads.
 */
public final class LevelPolicy {
    /** A probe's rung is foreseen to take at most so much more than allowed. */
    private static final double PROBE_LIMIT = 1.3;

    private static final double MUCH_QUICKER = 0.85;

    /** For less than this nobody changes horses. */
    private static final double LEAST_GAIN_NANOS = 30e6;

    private final PolicyOptions options;
    private final Forecast forecast;
    private final Ladder ladder;
    private final Goodput goodput;
    private int rung;
    private int chunksOnRung;
    private boolean probing;

    /**
     * @param ladder rungs, with what is measured of them
     * @param goodput of the link, fed by the owner
     */
    public LevelPolicy(PolicyOptions options, Forecast forecast, Ladder ladder, Goodput goodput) {
        if (options.floorRung() >= ladder.size()) {
            throw new IllegalArgumentException(
                    "floor %d of a ladder of %d".formatted(options.floorRung(), ladder.size()));
        }
        this.options = options;
        this.forecast = forecast;
        this.ladder = ladder;
        this.goodput = goodput;
        this.rung = options.firstRung();
    }

    /** Decides the next chunk. */
    public Choice next(Moment moment) {
        goodput.forgetStale(moment.nowNanos(), options.staleNanos());
        if (goodput.mean() == 0) {
            return send(rung, reason(Why.UNKNOWN_LINK, 0, 0, moment));
        }
        Optional<Choice> text = text(moment);
        return text.isPresent() ? text.get() : level(moment);
    }

    /**
     * Whether to give up what is on its way and the rest: asked while a chunk waits for the link.
     * Empty: go on.
     */
    public Optional<Choice> whileWaiting(Moment moment) {
        return text(moment);
    }

    private Optional<Choice> text(Moment moment) {
        double text = forecast.textNanos(moment);
        Moment.Way way = moment.way();
        // As it is final, it needs evidence that is worth its price.
        if (goodput.observedNanos() + way.waitedNanos() < text * options.textEvidence()) {
            return Optional.empty();
        }
        double expected = goodput.expected();
        double kv = expected > 0 ? fastestNanos(moment, expected) : 0;
        double due = expected > 0 ? way.bytes() / expected * 1e9 : 0;
        // As when skis are rented: a standstill is waited for until it has cost as much as text.
        kv += Math.max(0, way.waitedNanos() - due);
        // Where the sender's own computing is what takes the time, the link is not to blame; what
        // is computed already would be lost, and the receiver has others to serve.
        if (kv <= forecast.computingNanos(moment) * (1 + options.textGain())) {
            return Optional.empty();
        }
        boolean sooner = text < kv * (1 - options.textGain()) && kv - text > LEAST_GAIN_NANOS;
        // Once text cannot keep the time any more it is no rescue: the last chance is a little
        // before.
        double left = moment.budgetNanos();
        boolean rescue = kv > left && text <= left && left < text * (1 + options.headroom());
        return sooner || rescue
                ? Optional.of(
                        new Choice.Text(
                                reason(
                                        sooner ? Why.TEXT_SOONER : Why.TEXT_IN_TIME,
                                        expected,
                                        kv,
                                        moment)))
                : Optional.empty();
    }

    private double fastestNanos(Moment moment, double bytesPerSecond) {
        double fastest = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= options.floorRung(); i++) {
            fastest = Math.min(fastest, forecast.kvNanos(ladder.rung(i), moment, bytesPerSecond));
        }
        return fastest;
    }

    private Choice level(Moment moment) {
        Moment.Way way = moment.way();
        double counted = goodput.cautious(options.deviations(), way.bytes(), way.waitedNanos());
        double[] nanos = new double[options.floorRung() + 1];
        double fastest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = forecast.kvNanos(ladder.rung(i), moment, counted);
            fastest = Math.min(fastest, nanos[i]);
        }
        double budget = moment.budgetNanos() * (1 - options.headroom());
        double allowed = Math.min(budget, fastest * (1 + options.patience()));
        if (fastest > allowed) {
            int chosen = lastOf(nanos, fastest);
            return send(chosen, reason(Why.LATE, counted, nanos[chosen], moment));
        }
        if (isProbeDue() && nanos[rung - 1] <= Math.min(budget, PROBE_LIMIT * allowed)) {
            probing = true;
            return new Choice.Send(rung - 1, reason(Why.PROBE, counted, nanos[rung - 1], moment));
        }
        int finest = firstWithin(nanos, allowed);
        boolean finer = finest < rung && nanos[finest] <= allowed * (1 - options.hysteresis());
        boolean coarser = finest > rung && nanos[rung] > allowed * (1 + options.hysteresis());
        if (!finer && !coarser && rung < nanos.length) {
            return send(rung, reason(Why.KEPT, counted, nanos[rung], moment));
        }
        // Coarser at once, finer one rung at a time: a link that was good for one chunk proves
        // little. Unless the finer one is much quicker, too, as coding was the bottleneck.
        boolean quicker = nanos[finest] < nanos[rung] * MUCH_QUICKER;
        int chosen = coarser || quicker ? finest : rung - 1;
        return send(chosen, reason(Why.FITS, counted, nanos[chosen], moment));
    }

    private boolean isProbeDue() {
        return rung > 0 && !probing && chunksOnRung >= options.probeChunks();
    }

    private Choice send(int chosen, Reason reason) {
        chunksOnRung = chosen == rung && !probing ? chunksOnRung + 1 : 1;
        probing = false;
        rung = chosen;
        return new Choice.Send(chosen, reason);
    }

    private static int firstWithin(double[] nanos, double allowed) {
        for (int i = 0; i < nanos.length; i++) {
            if (nanos[i] <= allowed) {
                return i;
            }
        }
        throw new IllegalStateException("the fastest is within what is allowed");
    }

    /** The finest of the rungs that are as fast as the fastest. */
    private static int lastOf(double[] nanos, double fastest) {
        for (int i = 0; i < nanos.length; i++) {
            if (nanos[i] <= fastest * 1.001) {
                return i;
            }
        }
        return nanos.length - 1;
    }

    private Reason reason(Why why, double bytesPerSecond, double kvNanos, Moment moment) {
        double text = forecast.textNanos(moment);
        return new Reason(
                why,
                bytesPerSecond,
                Double.isInfinite(kvNanos) ? Long.MAX_VALUE : (long) kvNanos,
                Double.isInfinite(text) ? 0 : (long) text,
                moment.budgetNanos());
    }
}

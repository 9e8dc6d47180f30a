package io.baton.bench.sim;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.random.RandomGenerator;

/** Ten kinds of links whose bandwidth changes, from a seed. */
public final class Traces {
    private static final long STEP_NANOS = Duration.ofMillis(100).toNanos();
    private static final int STEPS = 600;

    private Traces() {}

    /**
     * A minute of each, in steps of 100 ms.
     *
     * @param bytesPerSecond bandwidth called 1x
     */
    public static List<BandwidthTrace> ten(long seed, double bytesPerSecond) {
        List<BandwidthTrace> traces = new ArrayList<>();
        traces.add(of("steady 1x", bytesPerSecond, step -> 1));
        traces.add(drawn("uniform 0.1-10x each 100 ms", bytesPerSecond, seed, 1));
        traces.add(drawn("uniform 0.1-10x each 500 ms", bytesPerSecond, seed + 1, 5));
        traces.add(drawn("uniform 0.1-10x each 2 s", bytesPerSecond, seed + 2, 20));
        traces.add(of("step 4x to 0.4x", bytesPerSecond, step -> step / 50 % 2 == 0 ? 4 : 0.4));
        traces.add(
                of(
                        "stairs down and up",
                        bytesPerSecond,
                        step -> STAIRS[step / 20 % STAIRS.length]));
        traces.add(of("collapse to 0 for 1 s", bytesPerSecond, step -> step % 60 >= 50 ? 0 : 2));
        traces.add(of("sawtooth 0.2x to 5x", bytesPerSecond, step -> 0.2 + 4.8 * (step % 40) / 39));
        traces.add(walk(bytesPerSecond, seed + 3));
        traces.add(bursts(bytesPerSecond, seed + 4));
        return traces;
    }

    private static final double[] STAIRS = {8, 4, 2, 1, 0.5, 0.25, 0.5, 1, 2, 4};

    private static BandwidthTrace of(String name, double base, IntToDoubleFunction factor) {
        double[] rates = new double[STEPS];
        for (int i = 0; i < STEPS; i++) {
            rates[i] = base * factor.applyAsDouble(i);
        }
        return new BandwidthTrace(name, STEP_NANOS, rates);
    }

    private static BandwidthTrace drawn(String name, double base, long seed, int steps) {
        RandomGenerator random = new SplittableRandom(seed);
        double[] factors = random.doubles(STEPS / steps, 0.1, 10).toArray();
        return of(name, base, step -> factors[step / steps]);
    }

    /** A random walk of the logarithm, 0.1x to 10x. */
    private static BandwidthTrace walk(double base, long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        double[] factors = new double[STEPS];
        double log = 0;
        for (int i = 0; i < STEPS; i++) {
            log = Math.clamp(log + 0.25 * random.nextGaussian(), Math.log(0.1), Math.log(10));
            factors[i] = Math.exp(log);
        }
        return of("random walk 0.1-10x", base, step -> factors[step]);
    }

    /** Another user takes nine tenths, for 0.3 s on average, after 0.7 s on average. */
    private static BandwidthTrace bursts(double base, long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        double[] factors = new double[STEPS];
        boolean busy = false;
        for (int i = 0; i < STEPS; i++) {
            busy = random.nextDouble() < (busy ? 1 - 1 / 3.0 : 1 / 7.0);
            factors[i] = busy ? 0.3 : 3;
        }
        return of("bursts of another user", base, step -> factors[step]);
    }
}

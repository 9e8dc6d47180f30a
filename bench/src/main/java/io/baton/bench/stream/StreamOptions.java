package io.baton.bench.stream;

import io.baton.bench.frame.SuiteContext;
import io.baton.bench.sim.SimLink;
import io.baton.kv.adapt.Rung;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The suite's options. The shape is an 8B model's: 32 layers, 8 KV heads of 128, 16 bits.
 *
 * @param rungs finest first, with the speed of all coding threads together
 * @param floor number of the coarsest rung that may be chosen
 * @param tokens of the prompt
 * @param prefill tokens per second of the prefiller
 * @param limitNanos for the time to first token
 * @param requests on each trace
 * @param seed of the traces
 */
record StreamOptions(
        List<Rung> rungs,
        int floor,
        int tokens,
        double prefill,
        long limitNanos,
        int requests,
        long seed) {
    static final int CHUNK_TOKENS = 256;
    static final double BYTES_PER_TOKEN = 32 * 8 * 128 * 2 * 2.0;
    static final long LATENCY_NANOS = 100_000;
    static final SimLink.Loss LOSS = new SimLink.Loss(2e-10, Duration.ofMillis(200).toNanos());
    private static final Set<String> NAMES =
            Set.of(
                    "rungs",
                    "floor",
                    "coders",
                    "tokens",
                    "prefill",
                    "limit-ms",
                    "requests",
                    "seed",
                    "plot");

    /**
     * Ratios of klt: measured on SmolLM2-135M by the study that chose it. Speeds: what the codec is
     * to reach on one core; give measured ones by {@code rungs}.
     */
    private static final String RUNGS =
            "raw:1:inf:inf,int8:1.94:4:4,klt0:6.2:0.7:1,klt1:6.92:0.7:1,klt2:8.22:0.7:1,klt3:11.2:0.7:1";

    static StreamOptions of(SuiteContext context) {
        context.requireKnown("stream", NAMES);
        int coders = integer(context, "coders", 4);
        List<Rung> rungs = rungs(context.option("rungs").orElse(RUNGS), coders);
        String floor =
                context.option("floor").orElse(rungs.get(Math.max(0, rungs.size() - 2)).name());
        return new StreamOptions(
                rungs,
                number(rungs, floor),
                integer(context, "tokens", 8192),
                integer(context, "prefill", 20_000),
                integer(context, "limit-ms", 2000) * 1_000_000L,
                integer(context, "requests", context.quick() ? 20 : 100),
                integer(context, "seed", 1));
    }

    private static int integer(SuiteContext context, String name, int usual) {
        return context.option(name).map(Integer::parseInt).orElse(usual);
    }

    /** {@code name:ratio:encode:decode}, speeds in GB/s of raw bytes on one core. */
    private static List<Rung> rungs(String text, int coders) {
        List<Rung> rungs = new ArrayList<>();
        for (String one : text.split(",")) {
            String[] parts = one.split(":");
            if (parts.length != 4) {
                throw new IllegalArgumentException(
                        "a rung is name:ratio:encode:decode, got " + one);
            }
            rungs.add(
                    new Rung(
                            parts[0],
                            Double.parseDouble(parts[1]),
                            speed(parts[2], coders),
                            speed(parts[3], coders)));
        }
        return rungs;
    }

    private static double speed(String gigabytes, int coders) {
        return gigabytes.equals("inf")
                ? Double.POSITIVE_INFINITY
                : Double.parseDouble(gigabytes) * 1e9 * coders;
    }

    private static int number(List<Rung> rungs, String name) {
        for (int i = 0; i < rungs.size(); i++) {
            if (rungs.get(i).name().equals(name)) {
                return i;
            }
        }
        throw new IllegalArgumentException("no rung is called " + name);
    }

    Scene scene(double receiverTokensPerSecond) {
        return new Scene(
                tokens,
                CHUNK_TOKENS,
                BYTES_PER_TOKEN,
                prefill,
                receiverTokensPerSecond,
                limitNanos,
                LATENCY_NANOS,
                rungs);
    }
}

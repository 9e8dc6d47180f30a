package io.baton.bench.engine;

import java.util.OptionalDouble;

/** What is wanted against the fastest peer, by case. */
final class Goals {
    private static final double DECODE_ALONE = 1.1;
    private static final double OF_BANDWIDTH = 0.75;
    private static final double OF_BANDWIDTH_SMALL = 0.60;
    private static final long SMALL_BYTES = 200L << 20;

    private Goals() {}

    /**
     * The wanted ratio to the fastest peer, if there is one for the case.
     *
     * @param bound tokens a second at which the weights would be read at one thread's full
     *     bandwidth
     * @param weightBytes of a token
     * @param peer the fastest peer's tokens a second
     */
    static OptionalDouble ratio(
            Case one, int threads, double bound, long weightBytes, double peer) {
        return switch (one) {
            case Case.Prefill prefill -> OptionalDouble.of(prefill.tokens() <= 512 ? 1.5 : 1.2);
            case Case.Decode decode when decode.batch() == 1 && threads == 1 -> {
                double share = weightBytes < SMALL_BYTES ? OF_BANDWIDTH_SMALL : OF_BANDWIDTH;
                yield OptionalDouble.of(Math.min(DECODE_ALONE, share * bound / peer));
            }
            case Case.Decode decode when decode.batch() == 8 -> OptionalDouble.of(1.8);
            case Case.Decode decode -> OptionalDouble.empty();
        };
    }

    /** Decode's slowdown beside half a core of foreign load: 1.3 times the lost share of cores. */
    static double foreignSlowdown(int threads) {
        return 1.3 * threads / (threads - 0.5);
    }
}

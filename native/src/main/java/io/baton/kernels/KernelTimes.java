package io.baton.kernels;

import java.util.Map;
import java.util.TreeMap;

/**
 * What a provider's callers have spent in its kernels until one moment, by kind of work. Every tick
 * is in one kind alone.
 *
 * @param clock the moment, in ticks
 * @param ticks by kind: {@code attention}, {@code matmul Q4_1}, {@code quantise}, {@code wait} ...
 */
public record KernelTimes(long clock, Map<String, Long> ticks) {
    /** The kind of the caller's waiting for other threads. */
    public static final String WAIT = "wait";

    /** The kind of the caller's waiting for its turn while other queues compute. */
    public static final String TURN = "turn";

    public KernelTimes {
        ticks = Map.copyOf(ticks);
    }

    /**
     * Each kind's share of the time between two moments, 0 to 1; with one calling thread the rest
     * up to 1 was spent outside the kernels.
     */
    public Map<String, Double> sharesSince(KernelTimes earlier) {
        double span = clock - earlier.clock;
        if (span <= 0) {
            throw new IllegalArgumentException("the earlier moment must be the earlier one");
        }
        Map<String, Double> shares = new TreeMap<>();
        ticks.forEach(
                (kind, now) -> {
                    long spent = now - earlier.ticks.getOrDefault(kind, 0L);
                    if (spent > 0) {
                        shares.put(kind, spent / span);
                    }
                });
        return shares;
    }
}

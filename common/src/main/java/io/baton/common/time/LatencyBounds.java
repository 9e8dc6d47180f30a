package io.baton.common.time;

import java.time.Duration;
import java.util.List;

/**
 * Upper bounds of the histogram buckets of every latency that Baton reports, so that a dashboard
 * can compare roles: from a token to a long answer. Immutable.
 */
public final class LatencyBounds {
    private static final List<Integer> MILLIS =
            List.of(
                    1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
                    120_000);

    private LatencyBounds() {}

    /** Ascending. */
    public static Duration[] all() {
        return MILLIS.stream().map(Duration::ofMillis).toArray(Duration[]::new);
    }
}

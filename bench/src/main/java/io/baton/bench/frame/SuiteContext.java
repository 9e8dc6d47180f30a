package io.baton.bench.frame;

import java.util.Map;
import java.util.Optional;

/**
 * What a suite is given.
 *
 * @param quick the same metrics in at most a minute, with wider intervals
 * @param options {@code --set name=value} pairs of the suite; an unknown one is refused by the
 *     suite
 * @param results where rows go
 * @param cluster starts Baton clusters to be measured
 */
public record SuiteContext(
        boolean quick, Map<String, String> options, Results results, ClusterLauncher cluster) {
    public Optional<String> option(String name) {
        return Optional.ofNullable(options.get(name));
    }
}

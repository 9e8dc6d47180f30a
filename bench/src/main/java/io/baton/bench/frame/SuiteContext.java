package io.baton.bench.frame;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

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

    /**
     * Refuses options that a suite does not have.
     *
     * @param suite as its user calls it
     * @throws IllegalArgumentException names the first unknown one and all known ones
     */
    public void requireKnown(String suite, Set<String> known) {
        for (String option : options.keySet()) {
            if (!known.contains(option)) {
                throw new IllegalArgumentException(
                        "unknown option %s; %s knows %s"
                                .formatted(option, suite, known.stream().sorted().toList()));
            }
        }
    }
}

package io.baton.bench.engine;

import io.baton.bench.frame.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** One subject's values of one case, one a round. */
final class Series {
    private final List<Double> speeds = new ArrayList<>();
    private final List<Double> cpuMicros = new ArrayList<>();
    private final Map<String, List<Double>> shares = new TreeMap<>();

    void add(JsonNode answer) {
        double tokens = answer.path("tokens").asDouble();
        speeds.add(tokens / answer.path("seconds").asDouble());
        cpuMicros.add(answer.path("cpuSeconds").asDouble() * 1e6 / tokens);
        double known = 0;
        for (Map.Entry<String, JsonNode> share : answer.path("shares").properties()) {
            share(share.getKey(), share.getValue().asDouble());
            known += share.getValue().asDouble();
        }
        if (known > 0) {
            share("outside the kernels", 1 - known);
        }
    }

    private void share(String kind, double value) {
        shares.computeIfAbsent(kind, k -> new ArrayList<>()).add(value);
    }

    /** Tokens a second. */
    double[] speeds() {
        return array(speeds);
    }

    /** The median speed. */
    double median() {
        return Row.Spread.of(speeds()).median();
    }

    /** Microseconds of CPU a token, all threads. */
    double[] cpuMicros() {
        return array(cpuMicros);
    }

    /** Shares of the time by kind of work. */
    Map<String, List<Double>> shares() {
        return shares;
    }

    /** This series over another, round by round. */
    double[] ratios(Series other) {
        double[] ratios = new double[Math.min(speeds.size(), other.speeds.size())];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = speeds.get(i) / other.speeds.get(i);
        }
        return ratios;
    }

    static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}

package io.baton.bench.frame;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One measured value, one JSON object per line in a result file.
 *
 * @param name suite, case and metric
 * @param unit of {@code value}
 * @param value the median of {@code runs} runs, with the smallest and the largest
 * @param baseline who it is compared with, measured in the same run; null for nobody
 * @param bound the physical or arithmetic limit in the same unit, null if none is stated
 * @param sameness {@code E0}, {@code E1}, {@code E2} or {@code none}
 */
public record Row(
        Name name,
        String unit,
        Spread value,
        @Nullable Baseline baseline,
        @Nullable Double bound,
        String sameness) {
    public record Name(String suite, String testCase, String metric) {}

    public record Spread(double median, double lo, double hi, int runs) {
        /**
         * Median and extremes of the given values; the mean of the middle two for an even count.
         */
        public static Spread of(double... values) {
            if (values.length == 0) {
                throw new IllegalArgumentException("a spread needs at least one value");
            }
            double[] sorted = values.clone();
            java.util.Arrays.sort(sorted);
            int n = sorted.length;
            double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
            return new Spread(median, sorted[0], sorted[n - 1], n);
        }
    }

    /**
     * @param who name and version of the peer
     * @param value its median
     * @param ratio ours to theirs, turned so that above 1 means ours is better
     */
    public record Baseline(String who, double value, double ratio) {}

    /** The row's own fields in the order of the result format; the run's common fields follow. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("suite", name.suite());
        fields.put("case", name.testCase());
        fields.put("metric", name.metric());
        fields.put("unit", unit);
        fields.put("value", value.median());
        fields.put("lo", value.lo());
        fields.put("hi", value.hi());
        fields.put("runs", value.runs());
        fields.put("baseline", baseline == null ? null : baseline.who());
        fields.put("baselineValue", baseline == null ? null : baseline.value());
        fields.put("ratio", baseline == null ? null : baseline.ratio());
        fields.put("bound", bound);
        fields.put("class", sameness);
        return fields;
    }
}

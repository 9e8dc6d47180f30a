package io.baton.bench.stream;

import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.plot.LineChart;
import io.baton.bench.sim.BandwidthTrace;
import io.baton.bench.sim.SimLink;
import io.baton.bench.sim.Traces;
import io.baton.bench.stream.Contest.Score;
import io.baton.kv.adapt.PolicyOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The adaptive policy against every fixed way to send the KV of an 8B model's prompt from a
 * prefiller to a decoder, by simulation: ten links whose bandwidth changes, at three speeds, with a
 * receiver that may compute and one that may not; then steady links of 1 to 25 Gbit/s. Time to
 * first token is here the time until the receiver can write on its own.
 *
 * <p>Pass rule, in every case, against the fixed way that keeps the limit most often (among equals
 * the quickest): attainment at least its less two points, on no trace a mean time above {@value
 * #SLOWEST} times its, and a mean level (over what is sent as KV) no coarser.
 */
public final class StreamSuite implements Suite {
    private static final double SLOWEST = 1.25;
    private static final double POINTS = 0.02;
    private static final double[] BASE_GBIT = {1, 3, 10};
    private static final double[] RECEIVERS = {0, 2000, 6000};
    private static final double RECEIVER = 6000;
    private static final double[] STEADY_GBIT = {1, 3, 10, 25};
    private static final double GBIT = 1e9 / 8;

    @Override
    public String name() {
        return "stream";
    }

    @Override
    public String summary() {
        return "the adaptive policy on simulated links against every fixed way; passes at the best fixed one's attainment less 2 points";
    }

    @Override
    public boolean run(SuiteContext context) throws IOException {
        StreamOptions options = StreamOptions.of(context);
        boolean pass = true;
        for (double gbit : BASE_GBIT) {
            for (double receiver : RECEIVERS) {
                pass &= contest(context, options, new Case(gbit, receiver, SimLink.Loss.NONE));
            }
        }
        pass &= contest(context, options, new Case(3, RECEIVER, StreamOptions.LOSS));
        steady(context, options);
        return pass;
    }

    private record Case(double gbit, double receiver, SimLink.Loss loss) {
        String text() {
            String lossText = loss.perByte() > 0 ? ", loss" : "";
            return String.format(
                    Locale.ROOT,
                    "1x = %.0f Gbit/s, text at %.0f tok/s%s",
                    gbit,
                    receiver,
                    lossText);
        }
    }

    private static boolean contest(SuiteContext context, StreamOptions options, Case its) {
        List<BandwidthTrace> traces = Traces.ten(options.seed(), its.gbit() * GBIT);
        Contest contest =
                new Contest(
                        options.scene(its.receiver()),
                        traces,
                        options.requests(),
                        PolicyOptions.of(options.floor()),
                        its.loss());
        Score policy = contest.policy();
        List<Score> fixed = contest.fixed();
        Score best = Contest.best(fixed);
        for (Score score : fixed) {
            row(context, its.text(), score.name() + " TTFT", score.meanNanos() / 1e6, null);
            percent(context, its.text(), score.name() + " within the limit", score.attainment());
        }
        row(context, its.text(), "policy TTFT", policy.meanNanos() / 1e6, best);
        percent(context, its.text(), "policy within the limit", policy.attainment());
        percent(context, its.text(), "policy ended as text", policy.textPart());
        if (!Double.isNaN(policy.meanLevel())) {
            value(context, its.text(), "policy mean level", "rung", policy.meanLevel());
        }
        double worst = 0;
        for (int i = 0; i < traces.size(); i++) {
            double times = policy.traceNanos()[i] / best.traceNanos()[i];
            worst = Math.max(worst, times);
            String metric = "policy to %s, %s".formatted(best.name(), traces.get(i).name());
            value(context, its.text(), metric, "x time", times);
        }
        boolean coarser = policy.meanLevel() > best.meanLevel() + 1e-9;
        boolean pass =
                policy.attainment() >= best.attainment() - POINTS - 1e-9
                        && worst <= SLOWEST
                        && !coarser;
        if (!pass) {
            System.out.printf(
                    Locale.ROOT,
                    "%s: attainment %.3f to %.3f of %s, worst trace %.2fx, level %.2f to %.2f%n",
                    its.text(),
                    policy.attainment(),
                    best.attainment(),
                    best.name(),
                    worst,
                    policy.meanLevel(),
                    best.meanLevel());
        }
        return pass;
    }

    /** TTFT on links that do not change. */
    private static void steady(SuiteContext context, StreamOptions options) throws IOException {
        Map<String, double[]> lines = new LinkedHashMap<>();
        for (int i = 0; i < STEADY_GBIT.length; i++) {
            Contest contest =
                    new Contest(
                            options.scene(RECEIVER),
                            List.of(BandwidthTrace.constant(STEADY_GBIT[i] * GBIT)),
                            1,
                            PolicyOptions.of(options.floor()),
                            SimLink.Loss.NONE);
            List<Score> scores = new ArrayList<>(contest.fixed());
            scores.add(contest.policy());
            Score best = Contest.best(contest.fixed());
            String testCase = String.format(Locale.ROOT, "steady %.0f Gbit/s", STEADY_GBIT[i]);
            for (Score score : scores) {
                boolean ours = score.name().equals("policy");
                double millis = score.meanNanos() / 1e6;
                row(context, testCase, score.name() + " TTFT", millis, ours ? best : null);
                lines.computeIfAbsent(score.name(), name -> new double[STEADY_GBIT.length])[i] =
                        millis;
            }
        }
        if (context.option("plot").isPresent()) {
            Files.writeString(Path.of(context.option("plot").get()), chart(options, lines).svg());
        }
    }

    private static LineChart chart(StreamOptions options, Map<String, double[]> lines) {
        return new LineChart(
                "Time until the decoder writes, 8B shape, %d tokens, simulated"
                        .formatted(options.tokens()),
                new LineChart.Axis("link, Gbit/s", List.of(1.0, 3.0, 10.0, 25.0)),
                new LineChart.Axis("ms", List.of(100.0, 300.0, 1000.0, 3000.0, 10000.0)),
                lines.entrySet().stream()
                        .map(
                                line ->
                                        new LineChart.Line(
                                                line.getKey(), STEADY_GBIT, line.getValue()))
                        .toList());
    }

    private static void percent(SuiteContext context, String testCase, String metric, double part) {
        value(context, testCase, metric, "%", 100 * part);
    }

    private static void row(
            SuiteContext context,
            String testCase,
            String metric,
            double millis,
            @Nullable Score best) {
        Row.@Nullable Baseline baseline =
                best == null
                        ? null
                        : new Row.Baseline(
                                "best fixed: " + best.name(),
                                best.meanNanos() / 1e6,
                                best.meanNanos() / 1e6 / millis);
        add(context, new Row.Name("stream", testCase, metric), "ms", millis, baseline);
    }

    private static void value(
            SuiteContext context, String testCase, String metric, String unit, double value) {
        add(context, new Row.Name("stream", testCase, metric), unit, value, null);
    }

    private static void add(
            SuiteContext context,
            Row.Name name,
            String unit,
            double value,
            Row.@Nullable Baseline baseline) {
        context.results().add(new Row(name, unit, Row.Spread.of(value), baseline, null, "E2"));
    }
}

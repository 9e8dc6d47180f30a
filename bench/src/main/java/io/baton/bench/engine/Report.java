package io.baton.bench.engine;

import io.baton.bench.frame.Results;
import io.baton.bench.frame.Row;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Turns one model's values at one number of threads into rows. */
final class Report {
    private static final double MEBIBYTE = 1 << 20;
    private static final double BEYOND_MEBIBYTES = 150;
    private static final double LOAD_SECONDS = 1;

    private final Results results;
    private final String name;
    private final int threads;
    private final List<Double> bandwidth = new ArrayList<>();
    private final List<Double> load = new ArrayList<>();
    private boolean largePages;

    Report(Results results, String model, int threads) {
        this.results = results;
        this.name = "%s t%d".formatted(model, threads);
        this.threads = threads;
    }

    /** Reads memory once, and the load average. */
    void bandwidth(Subject reader, boolean counted) throws IOException, InterruptedException {
        JsonNode answer = reader.ask(Map.of("do", "bandwidth"));
        largePages = reader.hello().path("largePages").asBoolean();
        if (counted) {
            bandwidth.add(answer.path("bytesPerSecond").asDouble());
            load.add(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        }
    }

    /** Rows of speed; whether every goal against the fastest peer is met. */
    boolean speeds(Rounds rounds) {
        double[] gigabytes = bandwidth.stream().mapToDouble(b -> b / 1e9).toArray();
        String pages = largePages ? "2M" : "4K";
        row("read bandwidth, 1 thread, " + pages + " pages", "GB/s", gigabytes);
        row("load average", "tasks", Series.array(load));
        row("cores used by others", "cores", rounds.others());
        long readBytes = rounds.ours().subject().hello().path("readBytes").asLong();
        double bound = Row.Spread.of(Series.array(bandwidth)).median() / readBytes;
        boolean pass = true;
        for (Case one : rounds.cases()) {
            pass &= speed(rounds, one, new Bound(bound, readBytes));
        }
        return pass;
    }

    private record Bound(double tokensPerSecond, long readBytes) {}

    private boolean speed(Rounds rounds, Case one, Bound bound) {
        Series ours = rounds.of(one, rounds.ours());
        boolean reads = one instanceof Case.Decode decode && decode.batch() == 1 && threads == 1;
        Optional<Entrant> fastest = rounds.fastest(one);
        Row.Baseline baseline =
                fastest.map(peer -> baseline(peer, ours, rounds.of(one, peer))).orElse(null);
        add(one.label(), "tok/s", ours.speeds(), baseline, reads ? bound.tokensPerSecond() : null);
        row(one.label() + " cpu", "us/tok", ours.cpuMicros());
        for (Entrant peer : rounds.peers(one)) {
            row(one.label() + ", " + peer.name(), "tok/s", rounds.of(one, peer).speeds());
            row(one.label() + " cpu, " + peer.name(), "us/tok", rounds.of(one, peer).cpuMicros());
        }
        if (reads) {
            double[] shares = ours.speeds();
            for (int i = 0; i < shares.length; i++) {
                shares[i] /= bound.tokensPerSecond();
            }
            row(one.label() + " of read bandwidth", "share", shares);
        }
        return fastest.map(peer -> goal(one, bound, ours, rounds.of(one, peer))).orElse(true);
    }

    private static Row.Baseline baseline(Entrant peer, Series ours, Series theirs) {
        String precision = peer.subject().hello().path("precision").asString();
        return new Row.Baseline(
                "%s (%s)".formatted(peer.name(), precision),
                theirs.median(),
                Row.Spread.of(ours.ratios(theirs)).median());
    }

    private boolean goal(Case one, Bound bound, Series ours, Series theirs) {
        OptionalDouble goal =
                Goals.ratio(
                        one, threads, bound.tokensPerSecond(), bound.readBytes(), theirs.median());
        if (goal.isEmpty()) {
            return true;
        }
        double[] ratios = ours.ratios(theirs);
        bounded(one.label() + " against the fastest, goal", "x", ratios, goal.getAsDouble());
        return Row.Spread.of(ratios).median() >= goal.getAsDouble();
    }

    /** Rows of load time and memory; whether ours keep within their bounds. */
    boolean resources(List<Entrant> entrants) throws IOException, InterruptedException {
        Subject ours = entrants.getFirst().subject();
        JsonNode hello = ours.hello();
        double loadSeconds = hello.path("loadSeconds").asDouble();
        bounded("model load", "s", new double[] {loadSeconds}, LOAD_SECONDS);
        row("process start to loaded", "s", hello.path("startSeconds").asDouble());
        JsonNode memory = ours.ask(Map.of("do", "memory"));
        double peak = memory.path("peakBytes").asDouble();
        double weights =
                hello.path("residentBytes").asDouble() + memory.path("mappedBytes").asDouble();
        double pool = hello.path("poolBytes").asDouble();
        row("peak memory", "MiB", peak / MEBIBYTE);
        row("weights, repacked and mapped", "MiB", weights / MEBIBYTE);
        double beyond = (peak - weights - pool) / MEBIBYTE;
        bounded("memory beyond weights and pool", "MiB", new double[] {beyond}, BEYOND_MEBIBYTES);
        for (Entrant entrant : entrants.subList(1, entrants.size())) {
            Subject peer = entrant.subject();
            row("model load, " + peer.name(), "s", peer.hello().path("loadSeconds").asDouble());
            double bytes = peer.ask(Map.of("do", "memory")).path("peakBytes").asDouble();
            row("peak memory, " + peer.name(), "MiB", bytes / MEBIBYTE);
        }
        return loadSeconds <= LOAD_SECONDS && beyond <= BEYOND_MEBIBYTES;
    }

    /** Rows of shares of time, of every case. */
    void shares(Rounds rounds) {
        for (Case one : rounds.cases()) {
            rounds.of(one, rounds.ours())
                    .shares()
                    .forEach(
                            (kind, values) ->
                                    row(
                                            one.label() + " share: " + kind,
                                            "share",
                                            Series.array(values)));
        }
    }

    /** A row of this model without a peer or a bound. */
    void row(String metric, String unit, double... values) {
        add(metric, unit, values, null, null);
    }

    /** A row of this model with a bound. */
    void bounded(String metric, String unit, double[] values, double bound) {
        add(metric, unit, values, null, bound);
    }

    private void add(
            String metric,
            String unit,
            double[] values,
            Row.@Nullable Baseline peer,
            @Nullable Double bound) {
        results.add(
                new Row(
                        new Row.Name("engine", name, metric),
                        unit,
                        Row.Spread.of(values),
                        peer,
                        bound,
                        "E0"));
    }
}

package io.baton.bench.transfer;

import io.baton.bench.engine.Subject;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.transfer.Entrant.Figures;
import io.baton.bench.transfer.Entrant.Load;
import io.baton.bench.transfer.child.TransferProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What each channel moves between two processes, message after message from pool to pool: beside
 * plain sockets, a copy of memory, and (with {@code python=}) NIXL and Mooncake's transfer engine.
 * All take turns in every round.
 *
 * <p>Pass rule, one stream of 64 MiB messages: {@code tcp} at least {@value #OF_SOCKET} of a plain
 * socket and {@value #OF_PEER} times the faster peer over TCP; {@code shm} at least {@value
 * #OF_COPY} of a copy and {@value #OF_NIXL} times NIXL between processes of one machine. A peer
 * that is not there is named and not compared with.
 */
public final class TransferSuite implements Suite {
    private static final double OF_SOCKET = 0.9;
    private static final double OF_PEER = 1.2;
    private static final double OF_COPY = 0.6;
    private static final double OF_NIXL = 1.3;
    private static final Map<String, String> CHANNELS =
            Map.of("tcp", "tcp://127.0.0.1:0", "shm", "shm:///", "ucx", "ucx://127.0.0.1:0");
    private static final Set<String> OPTIONS = Set.of("python", "channels", "rounds");
    private static final String SOCKET = "plain socket";

    private final Path root;

    /**
     * @param root the checkout, where the peers' script is
     */
    public TransferSuite(Path root) {
        this.root = root;
    }

    @Override
    public String name() {
        return "transfer";
    }

    @Override
    public String summary() {
        return "GB/s, processor time and round trip of KV channels; tcp at %s of a plain socket, shm at %s of a copy"
                .formatted(OF_SOCKET, OF_COPY);
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        List<Subject> started = new ArrayList<>();
        try {
            List<Entrant> entrants = entrants(context, started);
            Map<String, double[]> roundTrips = roundTrips(context, entrants);
            boolean pass = true;
            for (Load load : loads(context.quick())) {
                Map<String, List<Figures>> figures = new LinkedHashMap<>();
                pass &= measure(context, entrants, load, figures);
                report(context, load, figures);
                if (load.shape().equals("message") && load.streams() == 1) {
                    pass &= goals(context, figures);
                }
            }
            roundTrips.forEach(
                    (who, micros) ->
                            row(
                                    context,
                                    new Metric("8 bytes", who + " round trip", "us"),
                                    micros,
                                    null));
            return pass;
        } finally {
            started.forEach(Subject::close);
        }
    }

    private static List<Load> loads(boolean quick) {
        int messages = quick ? 4 : 8;
        int chunks = quick ? 40 : 80;
        return List.of(
                new Load("message", 1, messages),
                new Load("message", 4, messages / 4),
                new Load("chunk", 1, chunks),
                new Load("chunk", 4, chunks / 4));
    }

    private List<Entrant> entrants(SuiteContext context, List<Subject> started)
            throws IOException, InterruptedException {
        Subject sending = Subject.start(Subject.java(TransferProcess.class));
        started.add(sending);
        Subject receiving = Subject.start(Subject.java(TransferProcess.class));
        started.add(receiving);
        Entrant.Pair pair = new Entrant.Pair(sending, receiving);
        List<Entrant> entrants = new ArrayList<>();
        entrants.add(new Entrant.Copy(pair));
        entrants.add(new Entrant.Wire(SOCKET, "socket", pair));
        for (String channel : context.option("channels").orElse("tcp,shm,ucx").split(",")) {
            String url = CHANNELS.get(channel);
            if (url == null) {
                throw new IllegalArgumentException(
                        "unknown channel %s; transfer knows %s"
                                .formatted(channel, CHANNELS.keySet()));
            }
            try {
                entrants.add(new Entrant.Wire(channel, url, pair));
            } catch (IOException e) {
                System.err.println("LEFT OUT: " + channel + ": " + e.getMessage());
            }
        }
        peers(context, started, entrants);
        return entrants;
    }

    private void peers(SuiteContext context, List<Subject> started, List<Entrant> entrants)
            throws InterruptedException {
        if (context.option("python").isEmpty()) {
            System.err.println("LEFT OUT: NIXL and Mooncake; --set python=... of a venv with them");
            return;
        }
        String python = context.option("python").get();
        String script = root.resolve("bench/oracle/transfer_peers.py").toString();
        for (List<String> arguments :
                List.of(
                        List.of("--engine", "nixl"),
                        List.of("--engine", "nixl", "--transports", "tcp"),
                        List.of("--engine", "mooncake"))) {
            try {
                Subject peer =
                        Subject.start(
                                Stream.concat(Stream.of(python, script), arguments.stream())
                                        .toList());
                started.add(peer);
                entrants.add(new Entrant.Peer(peer));
            } catch (IOException e) {
                System.err.println("LEFT OUT: " + arguments + ": " + e.getMessage());
            }
        }
    }

    private static int rounds(SuiteContext context) {
        return context.option("rounds").map(Integer::parseInt).orElse(context.quick() ? 5 : 11);
    }

    /**
     * Turn by turn; the first two rounds warm up and do not count. Who fails is named, takes no
     * further turn, and has a row of the rounds that it lacks.
     *
     * @return whether none of our own channels failed
     */
    private static boolean measure(
            SuiteContext context,
            List<Entrant> entrants,
            Load load,
            Map<String, List<Figures>> figures)
            throws InterruptedException {
        boolean whole = true;
        int rounds = rounds(context);
        for (int round = -2; round < rounds; round++) {
            for (Entrant entrant : List.copyOf(entrants)) {
                try {
                    Figures one = entrant.move(load);
                    if (round >= 0) {
                        figures.computeIfAbsent(entrant.label(), l -> new ArrayList<>()).add(one);
                    }
                } catch (IOException e) {
                    System.err.println("FAILED: " + entrant.label() + ": " + e.getMessage());
                    entrants.remove(entrant);
                    whole &= !CHANNELS.containsKey(entrant.label());
                    double[] lacking = {rounds - Math.max(round, 0)};
                    Metric metric = new Metric(load.label(), entrant.label() + " failed", "rounds");
                    row(context, metric, lacking, null);
                }
            }
        }
        return whole;
    }

    /** Microseconds by who; before the loads, but for a first one that opens plain sockets. */
    private static Map<String, double[]> roundTrips(SuiteContext context, List<Entrant> entrants)
            throws IOException, InterruptedException {
        int count = context.quick() ? 2_000 : 10_000;
        Map<String, double[]> all = new LinkedHashMap<>();
        for (Entrant entrant : entrants) {
            entrant.move(new Load("chunk", 1, 4));
            double[] micros = new double[5];
            for (int i = -1; i < micros.length; i++) {
                double one = entrant.roundTripMicros(count);
                if (i >= 0) {
                    micros[i] = one;
                }
            }
            if (!Double.isNaN(micros[0])) {
                all.put(entrant.label(), micros);
            }
        }
        return all;
    }

    private static void report(
            SuiteContext context, Load load, Map<String, List<Figures>> figures) {
        figures.forEach(
                (who, all) -> {
                    String beside = who.equals("shm") ? "memcpy" : SOCKET;
                    List<Figures> baseline = figures.get(beside);
                    double base =
                            baseline == null || who.equals(beside) || who.equals("memcpy")
                                    ? Double.NaN
                                    : median(baseline);
                    Row.Baseline than =
                            Double.isNaN(base)
                                    ? null
                                    : new Row.Baseline(beside, base, median(all) / base);
                    row(context, new Metric(load.label(), who, "GB/s"), speeds(all), than);
                    row(
                            context,
                            new Metric(load.label(), who + " processor time", "s/GB"),
                            all.stream().mapToDouble(Figures::cpuSecondsPerGigabyte).toArray(),
                            null);
                });
    }

    private static double[] speeds(List<Figures> all) {
        return all.stream().mapToDouble(Figures::gigabytesPerSecond).toArray();
    }

    private static double median(List<Figures> all) {
        return Row.Spread.of(speeds(all)).median();
    }

    private static boolean goals(SuiteContext context, Map<String, List<Figures>> figures) {
        boolean pass = goal(context, figures, "tcp", SOCKET, OF_SOCKET);
        pass &= goal(context, figures, "shm", "memcpy", OF_COPY);
        for (String peer : figures.keySet()) {
            if (peer.startsWith("mooncake") || peer.startsWith("nixl") && peer.endsWith(" tcp")) {
                pass &= goal(context, figures, "tcp", peer, OF_PEER);
            } else if (peer.startsWith("nixl")) {
                pass &= goal(context, figures, "shm", peer, OF_NIXL);
            }
        }
        return pass;
    }

    private static boolean goal(
            SuiteContext context,
            Map<String, List<Figures>> figures,
            String ours,
            String theirs,
            double least) {
        List<Figures> we = figures.get(ours);
        List<Figures> they = figures.get(theirs);
        if (we == null || they == null) {
            return true;
        }
        double ratio = median(we) / median(they);
        row(
                context,
                new Metric("goal %s x".formatted(least), ours + " beside " + theirs, "GB/s"),
                speeds(we),
                new Row.Baseline(theirs, median(they), ratio));
        return ratio >= least;
    }

    private record Metric(String testCase, String name, String unit) {}

    private static void row(
            SuiteContext context, Metric metric, double[] values, Row.@Nullable Baseline baseline) {
        context.results()
                .add(
                        new Row(
                                new Row.Name("transfer", metric.testCase(), metric.name()),
                                metric.unit(),
                                Row.Spread.of(values),
                                baseline,
                                null,
                                "none"));
    }
}

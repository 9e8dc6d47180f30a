package io.baton.bench.suite;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.Cluster;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.plot.LineChart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The running system on a link of a given bandwidth: KV of a prompt on its way from prefiller to
 * decoder over the loopback interface of a network namespace of its own, which the kernel's token
 * bucket slows down. Ways fixed by settings beside the adaptive one; each has its own cluster and a
 * request to warm up. What counts is the time from the request to the second token, the first that
 * the decoder writes on its own.
 *
 * <p>Pass rule: at every bandwidth the adaptive way's median at most {@value #SLOWEST} times that
 * of the best fixed way.
 */
public final class LiveSuite implements Suite {
    private static final double SLOWEST = 1.25;
    private static final Set<String> OPTIONS =
            Set.of("model", "profile", "mbit", "tokens", "rounds", "plot");

    /** Raw KV of a token of the default model, to leave out what would take minutes. */
    private static final double BYTES_PER_TOKEN = 23_040;

    private static final double LONGEST_SECONDS = 45;

    /**
     * A way to bring KV to the decoder.
     *
     * @param part of the raw bytes, what it sends; 0 for the one that chooses by itself
     */
    private record Way(String label, double part, String sameness, List<String> settings) {}

    private static final Way ADAPTIVE =
            new Way("adaptive", 0, "E2", List.of("kv.sameness=tolerant"));

    private static final List<Way> FIXED =
            List.of(
                    new Way("raw", 1, "E0", List.of("kv.codec=raw", "kv.codec.adapt=false")),
                    new Way(
                            "int8",
                            0.51,
                            "E2",
                            List.of(
                                    "kv.sameness=tolerant",
                                    "kv.codec=int8",
                                    "kv.codec.adapt=false")),
                    new Way(
                            "klt:2",
                            0.15,
                            "E2",
                            List.of(
                                    "kv.sameness=tolerant",
                                    "kv.codec=klt",
                                    "kv.codec.level=2",
                                    "kv.codec.adapt=false")),
                    new Way("text", 0, "E0", List.of("route.local-prefill-tokens=1000000")));

    /** What one way took on one link. */
    private record Measured(Way way, double mbit, Row.Spread seconds) {}

    @Override
    public String name() {
        return "live";
    }

    @Override
    public String summary() {
        return "the running system on a slowed link, adaptive beside fixed ways; passes at 1.25x the best fixed one; run it under: unshare -rn";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        requireOwnNetwork();
        double[] rates =
                numbers(context.option("mbit").orElse(context.quick() ? "5,50" : "1,3,10,30,100"));
        int tokens = Integer.parseInt(context.option("tokens").orElse("768"));
        int rounds = Integer.parseInt(context.option("rounds").orElse(context.quick() ? "2" : "3"));
        Plan plan = new Plan(rates, tokens, rounds);
        List<Measured> all = new ArrayList<>();
        for (Way way : FIXED) {
            all.addAll(measure(context, way, plan));
        }
        all.addAll(measure(context, ADAPTIVE, plan));
        boolean pass = report(context, all);
        if (context.option("plot").isPresent()) {
            Files.writeString(
                    Path.of(context.option("plot").get()), chart(all, rates, tokens).svg());
        }
        return pass;
    }

    private record Plan(double[] mbit, int tokens, int rounds) {}

    /** A namespace without a way out: on any other machine lo would be slow for everyone. */
    private static void requireOwnNetwork() throws IOException, InterruptedException {
        // Two lines of headings, then one for each interface; Java lists none that are down.
        List<String> lines = Files.readAllLines(Path.of("/proc/self/net/dev"));
        boolean alone = lines.size() == 3 && lines.get(2).strip().startsWith("lo:");
        if (!alone) {
            throw new IllegalArgumentException(
                    "live slows down the loopback interface: run it in a network of its own, unshare -rn ./baton bench live");
        }
        // Packets of the usual size: a bucket lets none pass that is larger than itself.
        execute(List.of("ip", "link", "set", "lo", "mtu", "1500", "up"));
    }

    /** Slows the loopback interface down, to so many million bits a second. */
    private static void shape(double mbit) throws IOException, InterruptedException {
        String rate = String.format(Locale.ROOT, "%.0fkbit", mbit * 1000);
        tc(
                "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", rate, "burst", "32kb",
                "latency", "300ms");
    }

    private static void tc(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("tc"));
        command.addAll(Arrays.asList(arguments));
        execute(command);
    }

    private static void execute(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes()).strip();
        if (process.waitFor() != 0) {
            throw new IOException("%s: %s".formatted(String.join(" ", command), said));
        }
    }

    private static List<Measured> measure(SuiteContext context, Way way, Plan plan)
            throws Exception {
        List<Measured> all = new ArrayList<>();
        shape(1000);
        try (Cluster cluster = context.cluster().start(arguments(context, way));
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            // Brings the profile, and code that is compiled.
            seconds(client, model, plan.tokens(), 1);
            seconds(client, model, plan.tokens(), 2);
            for (double mbit : plan.mbit()) {
                double expected = plan.tokens() * BYTES_PER_TOKEN * way.part() * 8 / (mbit * 1e6);
                if (expected > LONGEST_SECONDS) {
                    continue;
                }
                shape(mbit);
                double[] seconds = new double[plan.rounds()];
                for (int round = 0; round < plan.rounds(); round++) {
                    long seed = (long) (1000 * mbit) + round;
                    seconds[round] = seconds(client, model, plan.tokens(), seed);
                }
                all.add(new Measured(way, mbit, Row.Spread.of(seconds)));
            }
        }
        return all;
    }

    private static List<String> arguments(SuiteContext context, Way way) {
        List<String> arguments = new ArrayList<>();
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        List<String> settings = new ArrayList<>(way.settings());
        settings.add("kv.channel=tcp");
        if (way.settings().contains("kv.sameness=tolerant")) {
            context.option("profile").ifPresent(path -> settings.add("kv.profile=" + path));
        }
        settings.forEach(setting -> arguments.addAll(List.of("--set", setting)));
        return arguments;
    }

    /** From the request to the second token. */
    private static double seconds(OpenAiClient client, String model, int tokens, long seed)
            throws IOException, InterruptedException {
        Answer answer =
                client.stream(
                        "/v1/completions",
                        Map.of(
                                "model",
                                model,
                                "prompt",
                                Prompts.words(tokens, seed),
                                "max_tokens",
                                4,
                                "temperature",
                                0,
                                "ignore_eos",
                                true),
                        text -> {});
        if (answer.error() != null || answer.eventNanos().size() < 2) {
            throw new IOException("the server failed: " + answer.error());
        }
        List<Long> events = answer.eventNanos();
        return answer.ttftSeconds() + (events.get(1) - events.get(0)) / 1e9;
    }

    private static boolean report(SuiteContext context, List<Measured> all) {
        boolean pass = true;
        for (Measured one : all) {
            if (one.way() != ADAPTIVE) {
                add(context, one, null);
                continue;
            }
            Optional<Measured> best =
                    all.stream()
                            .filter(other -> other.way() != ADAPTIVE && other.mbit() == one.mbit())
                            .min(Comparator.comparingDouble(other -> other.seconds().median()));
            if (best.isPresent()) {
                double fixed = best.get().seconds().median();
                double ratio = fixed / one.seconds().median();
                add(context, one, new Row.Baseline(best.get().way().label(), fixed, ratio));
                pass &= ratio >= 1 / SLOWEST;
            }
        }
        return pass;
    }

    private static void add(SuiteContext context, Measured one, Row.@Nullable Baseline baseline) {
        String testCase = String.format(Locale.ROOT, "%.0f Mbit/s", one.mbit());
        String metric = "second token, " + one.way().label();
        context.results()
                .add(
                        new Row(
                                new Row.Name("live", testCase, metric),
                                "s",
                                one.seconds(),
                                baseline,
                                null,
                                one.way().sameness()));
    }

    private static LineChart chart(List<Measured> all, double[] rates, int tokens) {
        List<LineChart.Line> lines = new ArrayList<>();
        Stream.concat(FIXED.stream(), Stream.of(ADAPTIVE))
                .forEach(
                        way -> {
                            List<Measured> own =
                                    all.stream().filter(one -> one.way() == way).toList();
                            lines.add(
                                    new LineChart.Line(
                                            way.label(),
                                            own.stream().mapToDouble(Measured::mbit).toArray(),
                                            own.stream()
                                                    .mapToDouble(one -> one.seconds().median())
                                                    .toArray()));
                        });
        return new LineChart(
                "Second token, SmolLM2, prompt of %d tokens, 1P1D over a slowed link"
                        .formatted(tokens),
                new LineChart.Axis("link, Mbit/s", Arrays.stream(rates).boxed().toList()),
                new LineChart.Axis("s", List.of(0.5, 1.0, 3.0, 10.0, 30.0)),
                lines);
    }

    private static double[] numbers(String list) {
        return Arrays.stream(list.split(",")).mapToDouble(Double::parseDouble).toArray();
    }
}

package io.baton.bench.suite;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.Cluster;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether a long prompt holds up streams that run (head-of-line blocking), on one colocated worker
 * or on a prefiller and a decoder in one process ({@code shape=1p1d}): the time between tokens of
 * running streams without and with a long prompt arriving, and that prompt's time to first token
 * without and with the streams; turn by turn in one run.
 *
 * <p>Pass rule, for each number of streams: the p99 of the time between tokens at most {@value
 * #MOST_GAP} times, and the median TTFT at most {@value #MOST_TTFT} times.
 */
public final class HolSuite implements Suite {
    private static final double MOST_GAP = 3;
    private static final double MOST_TTFT = 2.5;
    private static final Set<String> OPTIONS =
            Set.of("model", "threads", "streams", "prompt", "rounds", "stretch", "shape", "share");
    private static final int QUIET_EVENTS = 100;
    private static final int STREAM_PROMPT = 32;

    private long seed;

    @Override
    public String name() {
        return "hol";
    }

    @Override
    public String summary() {
        return "streams beside a long prompt; passes at ITL p99 <= 3x and TTFT <= 2.5x of each alone";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        List<String> arguments = new ArrayList<>(shape(context));
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        arguments.addAll(List.of("--threads", context.option("threads").orElse("2")));
        context.option("share")
                .ifPresent(share -> arguments.addAll(List.of("--decode-share", share)));
        context.option("stretch")
                .ifPresent(
                        factor ->
                                arguments.addAll(
                                        List.of("--set", "engine.decode-stretch=" + factor)));
        boolean pass = true;
        String all = context.option("streams").orElse(context.quick() ? "4" : "1,4,8");
        try (Cluster cluster = context.cluster().start(arguments);
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            Prompter prompter =
                    new Prompter(
                            client,
                            model,
                            Integer.parseInt(context.option("prompt").orElse("4096")));
            // Warm code, and costs learned, as in any worker that has served for a minute.
            prompter.ttft(++seed);
            for (String streams : all.split(",")) {
                pass &= measure(context, cluster, prompter, Integer.parseInt(streams));
            }
        }
        return pass;
    }

    private static List<String> shape(SuiteContext context) {
        return switch (context.option("shape").orElse("colocated")) {
            case "colocated" -> List.of("--colocated");
            case "1p1d" -> List.of();
            default ->
                    throw new IllegalArgumentException("the shapes of hol are colocated and 1p1d");
        };
    }

    private record Prompter(OpenAiClient client, String model, int tokens) {
        Map<String, Object> body(int prompt, int answer, long seed) {
            Map<String, Object> body = new HashMap<>();
            body.put("model", model);
            body.put("prompt", Prompts.words(prompt, seed));
            body.put("max_tokens", answer);
            body.put("temperature", 0);
            body.put("ignore_eos", true);
            return body;
        }

        double ttft(long seed) throws IOException, InterruptedException {
            Answer answer = client.stream("/v1/completions", body(tokens, 4, seed), text -> {});
            if (answer.error() != null || answer.eventNanos().isEmpty()) {
                throw new IOException("the server failed: " + answer.error());
            }
            return answer.ttftSeconds();
        }
    }

    private boolean measure(SuiteContext context, Cluster cluster, Prompter prompter, int streams)
            throws IOException, InterruptedException {
        int rounds =
                context.option("rounds").map(Integer::parseInt).orElse(context.quick() ? 1 : 3);
        List<Double> alone = new ArrayList<>();
        List<Double> beside = new ArrayList<>();
        List<Double> quiet = new ArrayList<>();
        List<Double> loaded = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            alone.add(prompter.ttft(++seed));
            List<Map<String, Object>> bodies = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                bodies.add(prompter.body(STREAM_PROMPT, 4000, ++seed));
            }
            try (TimedStreams running = TimedStreams.open(cluster.url(), bodies)) {
                running.awaitEvents(10);
                long begin = System.nanoTime();
                running.awaitEvents(QUIET_EVENTS);
                long arrival = System.nanoTime();
                beside.add(prompter.ttft(++seed));
                long end = System.nanoTime();
                quiet.addAll(running.gaps(begin, arrival));
                loaded.addAll(running.gaps(arrival, end));
            }
        }
        String name = streams + " streams, prompt " + prompter.tokens();
        row(context, name, "itl p50 without", quiet, 0.5, null);
        row(context, name, "itl p50 with", loaded, 0.5, TimedStreams.percentile(quiet, 0.5));
        double base = TimedStreams.percentile(quiet, 0.99);
        row(context, name, "itl p99 without", quiet, 0.99, null);
        row(context, name, "itl p99 with", loaded, 0.99, base);
        double aloneMedian = TimedStreams.percentile(alone, 0.5);
        row(context, name, "ttft alone", alone, 0.5, null);
        row(context, name, "ttft beside streams", beside, 0.5, aloneMedian);
        return TimedStreams.percentile(loaded, 0.99) <= MOST_GAP * base
                && TimedStreams.percentile(beside, 0.5) <= MOST_TTFT * aloneMedian;
    }

    private static void row(
            SuiteContext context,
            String testCase,
            String metric,
            List<Double> seconds,
            double share,
            @Nullable Double alone) {
        double[] all = seconds.stream().mapToDouble(value -> value * 1e3).toArray();
        Row.Spread spread = Row.Spread.of(all);
        double value = 1e3 * TimedStreams.percentile(seconds, share);
        context.results()
                .add(
                        new Row(
                                new Row.Name("hol", testCase, metric),
                                "ms",
                                new Row.Spread(value, spread.lo(), spread.hi(), spread.runs()),
                                alone == null
                                        ? null
                                        : new Row.Baseline(
                                                "alone", 1e3 * alone, value / (1e3 * alone)),
                                null,
                                "E0"));
    }
}

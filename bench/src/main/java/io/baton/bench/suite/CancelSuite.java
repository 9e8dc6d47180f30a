package io.baton.bench.suite;

import io.baton.bench.client.DroppableStream;
import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.Cluster;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * How soon the KV blocks of a client that has gone are free on both sides: from the close of its
 * socket until no worker holds a block for it, at random moments of each phase of a request. Seen
 * through the router's admin page with heartbeats of 20 ms, so a figure is too high by up to about
 * 45 ms and never too low.
 *
 * <p>Pass rule: p99 at most {@value #GOAL_SECONDS} s in every shape.
 */
public final class CancelSuite implements Suite {
    private static final double GOAL_SECONDS = 0.25;
    private static final Set<String> OPTIONS = Set.of("model", "drops", "shapes", "threads");
    private static final int PROMPT_TOKENS = 256;
    private static final int DECODE_TOKENS = 256;
    private static final int MOST_EVENTS = 24;
    private static final int WARM_UPS = 3;

    /** Where a request is when its client goes. */
    private enum Phase {
        /** Behind another in line, both of which are dropped. */
        QUEUE,
        PREFILL,
        /** About the end of prefill, when the last KV is under way. */
        TRANSFER,
        DECODE
    }

    @Override
    public String name() {
        return "cancel";
    }

    @Override
    public String summary() {
        return "from a client's closed socket to its KV blocks free on both sides; passes at p99 <= 0.25 s";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        boolean pass = true;
        for (String shape : context.option("shapes").orElse("1p1d,1p1d-processes").split(",")) {
            pass &= measure(context, shape);
        }
        return pass;
    }

    private static boolean measure(SuiteContext context, String shape) throws Exception {
        int drops =
                context.option("drops").map(Integer::parseInt).orElse(context.quick() ? 20 : 100);
        Map<Phase, List<Double>> seconds = new EnumMap<>(Phase.class);
        try (Cluster cluster = context.cluster().start(arguments(context, shape));
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            Client dropper = new Client(cluster.url(), model);
            BlockWatch watch = new BlockWatch(client);
            double ttft = ttftSeconds(client, dropper);
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < drops; i++) {
                watch.awaitFree();
                Phase phase = Phase.values()[i % Phase.values().length];
                long closed = dropper.drop(phase, ttft, random);
                seconds.computeIfAbsent(phase, key -> new ArrayList<>())
                        .add((watch.awaitFree() - closed) / 1e9);
            }
        }
        seconds.forEach(
                (phase, values) ->
                        row(
                                context,
                                shape,
                                "free after drop in " + phase.name().toLowerCase(Locale.ROOT),
                                Row.Spread.of(array(values))));
        double[] all = array(seconds.values().stream().flatMap(List::stream).toList());
        Row.Spread spread = Row.Spread.of(all);
        double p99 = percentile(all, 0.99);
        row(context, shape, "free after drop p50", spread);
        row(
                context,
                shape,
                "free after drop p99",
                new Row.Spread(p99, spread.lo(), spread.hi(), spread.runs()));
        return p99 <= GOAL_SECONDS;
    }

    private static List<String> arguments(SuiteContext context, String shape) {
        List<String> arguments = new ArrayList<>();
        switch (shape) {
            case "1p1d" -> {}
            case "1p1d-processes" -> arguments.add("--processes");
            default ->
                    throw new IllegalArgumentException(
                            "unknown shape %s: 1p1d, 1p1d-processes".formatted(shape));
        }
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        arguments.addAll(List.of("--threads", context.option("threads").orElse("2")));
        // One sequence at a time, so that a second one queues.
        arguments.addAll(List.of("--max-num-seqs", "1", "--set", "cluster.heartbeat=20ms"));
        return arguments;
    }

    /** What a whole request takes to its first token, after it is warm. */
    private static double ttftSeconds(OpenAiClient client, Client dropper)
            throws IOException, InterruptedException {
        double[] ttft = new double[WARM_UPS];
        for (int i = 0; i < WARM_UPS; i++) {
            Answer answer = client.stream("/v1/completions", dropper.request(), text -> {});
            if (answer.error() != null || answer.eventNanos().isEmpty()) {
                throw new IOException("the server failed: " + answer.error());
            }
            ttft[i] = answer.ttftSeconds();
        }
        return Row.Spread.of(ttft).median();
    }

    /** Sends requests that no cache knows and drops them. */
    private static final class Client {
        private final URI url;
        private final String model;
        private long prompts;

        Client(URI url, String model) {
            this.url = url;
            this.model = model;
        }

        Map<String, Object> request() {
            return Map.of(
                    "model",
                    model,
                    "prompt",
                    Prompts.words(PROMPT_TOKENS, ++prompts),
                    "max_tokens",
                    DECODE_TOKENS,
                    "temperature",
                    0,
                    "ignore_eos",
                    true);
        }

        private DroppableStream open() throws IOException {
            return DroppableStream.open(url, "/v1/completions", request());
        }

        /** Drops a request; returns the reading of the nano clock just before. */
        long drop(Phase phase, double ttftSeconds, SplittableRandom random)
                throws IOException, InterruptedException {
            try (DroppableStream stream = open()) {
                switch (phase) {
                    case QUEUE -> {
                        try (DroppableStream behind = open()) {
                            pause(ttftSeconds * random.nextDouble());
                            long now = System.nanoTime();
                            behind.close();
                            stream.close();
                            return now;
                        }
                    }
                    case PREFILL -> pause(ttftSeconds * random.nextDouble(0, 0.9));
                    case TRANSFER -> pause(ttftSeconds * random.nextDouble(0.9, 1.1));
                    case DECODE -> stream.awaitEvents(1 + random.nextInt(MOST_EVENTS));
                }
                long now = System.nanoTime();
                stream.close();
                return now;
            }
        }

        private static void pause(double seconds) throws InterruptedException {
            TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9));
        }
    }

    private static void row(SuiteContext context, String shape, String metric, Row.Spread seconds) {
        context.results()
                .add(
                        new Row(
                                new Row.Name("cancel", shape, metric),
                                "s",
                                seconds,
                                new Row.Baseline(
                                        "goal", GOAL_SECONDS, GOAL_SECONDS / seconds.median()),
                                null,
                                "none"));
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** By nearest rank. */
    private static double percentile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.ceil(share * sorted.length) - 1];
    }
}

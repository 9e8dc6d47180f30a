package io.baton.bench.suite;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.Cluster;
import io.baton.bench.frame.ClusterLauncher.RoleProcess;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a user feels of a fresh cluster: time to start, TTFT, prefill and decode speed through the
 * HTTP endpoint, and memory per role; beside llama.cpp's bare engine on the same file in the same
 * run, turn by turn.
 *
 * <p>Pass rule: prefill and decode at least half of llama.cpp's, where it was measured.
 */
public final class ServeSuite implements Suite {
    private static final Set<String> OPTIONS =
            Set.of("model", "gguf", "llama-python", "threads", "shapes");
    private static final int PROMPT_TOKENS = 512;
    private static final int DECODE_TOKENS = 64;

    private final Path root;

    /**
     * @param root the checkout, where the oracle scripts are
     */
    public ServeSuite(Path root) {
        this.root = root;
    }

    @Override
    public String name() {
        return "serve";
    }

    @Override
    public String summary() {
        return "start, TTFT, prefill and decode speed, memory per role; passes at >= 0.5x llama.cpp";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        boolean pass = true;
        for (String shape :
                context.option("shapes").orElse("colocated,1p1d,1p1d-processes").split(",")) {
            pass &= measure(context, shape);
        }
        return pass;
    }

    private boolean measure(SuiteContext context, String shape) throws Exception {
        List<String> arguments = new ArrayList<>(shapeArguments(shape));
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        String threads = context.option("threads").orElse("2");
        arguments.addAll(List.of("--threads", threads));
        int runs = context.quick() ? 3 : 7;
        double[] ttft = new double[runs];
        double[] prefill = new double[runs];
        double[] decode = new double[runs];
        double start;
        List<Double> peerPrefill = new ArrayList<>();
        List<Double> peerDecode = new ArrayList<>();
        String peer = null;
        try (Cluster cluster = context.cluster().start(arguments);
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            start = cluster.startNanos() / 1e9;
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            once(client, model, 1L);
            for (int run = 0; run < runs; run++) {
                Answer answer = once(client, model, 100L + run);
                ttft[run] = answer.ttftSeconds() * 1e3;
                prefill[run] = answer.promptTokens() / answer.ttftSeconds();
                decode[run] =
                        (answer.completionTokens() - 1)
                                / ((answer.endNanos() - answer.eventNanos().getFirst()) / 1e9);
                Optional<LlamaCpp.Speed> speed = peerRun(context, threads);
                if (speed.isPresent()) {
                    peer = speed.get().version();
                    peerPrefill.add(speed.get().prefill()[0]);
                    peerDecode.add(speed.get().decode()[0]);
                }
            }
            for (RoleProcess process : cluster.processes()) {
                row(
                        context,
                        shape,
                        "rss " + process.role(),
                        "MiB",
                        new double[] {rssMebibytes(process.pid())},
                        null);
            }
        }
        row(context, shape, "start to ready", "s", new double[] {start}, null);
        row(context, shape, "ttft " + PROMPT_TOKENS, "ms", ttft, null);
        double prefillRatio =
                row(
                        context,
                        shape,
                        "prefill " + PROMPT_TOKENS,
                        "tok/s",
                        prefill,
                        peer(peer, peerPrefill));
        double decodeRatio =
                row(context, shape, "decode batch 1", "tok/s", decode, peer(peer, peerDecode));
        return prefillRatio >= 0.5 && decodeRatio >= 0.5;
    }

    private static List<String> shapeArguments(String shape) {
        return switch (shape) {
            case "colocated" -> List.of("--colocated");
            case "1p1d" -> List.of();
            case "1p1d-processes" -> List.of("--processes");
            default ->
                    throw new IllegalArgumentException(
                            "unknown shape %s: colocated, 1p1d, 1p1d-processes".formatted(shape));
        };
    }

    private static Answer once(OpenAiClient client, String model, long seed)
            throws IOException, InterruptedException {
        Answer answer =
                client.stream(
                        "/v1/completions",
                        Map.of(
                                "model",
                                model,
                                "prompt",
                                Prompts.words(PROMPT_TOKENS, seed),
                                "max_tokens",
                                DECODE_TOKENS + 1,
                                "temperature",
                                0,
                                "ignore_eos",
                                true),
                        text -> {});
        if (answer.error() != null || answer.eventNanos().isEmpty()) {
            throw new IOException("the server failed: " + answer.error());
        }
        return answer;
    }

    private Optional<LlamaCpp.Speed> peerRun(SuiteContext context, String threads)
            throws IOException, InterruptedException {
        Optional<String> python = context.option("llama-python");
        Optional<String> gguf = context.option("gguf");
        if (python.isEmpty() || gguf.isEmpty()) {
            return Optional.empty();
        }
        return LlamaCpp.measure(
                python.get(),
                root.resolve("bench/oracle/llama_speed.py"),
                List.of(
                        "--gguf",
                        gguf.get(),
                        "--threads",
                        threads,
                        "--runs",
                        "1",
                        "--prefill",
                        String.valueOf(PROMPT_TOKENS),
                        "--decode",
                        String.valueOf(DECODE_TOKENS)));
    }

    private static Row.@Nullable Baseline peer(@Nullable String who, List<Double> values) {
        if (who == null) {
            return null;
        }
        double[] all = values.stream().mapToDouble(Double::doubleValue).toArray();
        return new Row.Baseline(who, Row.Spread.of(all).median(), Double.NaN);
    }

    /** Adds a row and returns its ratio to the peer, positive infinity without one. */
    private static double row(
            SuiteContext context,
            String shape,
            String metric,
            String unit,
            double[] values,
            Row.@Nullable Baseline peer) {
        Row.Spread spread = Row.Spread.of(values);
        Row.Baseline baseline =
                peer == null
                        ? null
                        : new Row.Baseline(
                                peer.who(), peer.value(), spread.median() / peer.value());
        context.results()
                .add(
                        new Row(
                                new Row.Name("serve", shape, metric),
                                unit,
                                spread,
                                baseline,
                                null,
                                "E0"));
        return baseline == null ? Double.POSITIVE_INFINITY : baseline.ratio();
    }

    /** Resident set of a process, from the kernel's accounting; NaN where there is none. */
    private static double rssMebibytes(long pid) throws IOException {
        Path status = Path.of("/proc/" + pid + "/status");
        if (!Files.exists(status)) {
            return Double.NaN;
        }
        try (var lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024)
                    .findFirst()
                    .orElse(Double.NaN);
        }
    }
}

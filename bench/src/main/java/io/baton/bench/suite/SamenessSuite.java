package io.baton.bench.suite;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.Cluster;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import tools.jackson.databind.JsonNode;

/**
 * Class E0, end to end: the same prompts give bit-identical tokens and logits whatever shape the
 * cluster has, alone and in batches of 8, with and without prefix reuse. What is compared are the
 * text and the SHA-256 of every step's float32 logits, as the router's ledger keeps them under
 * {@code --debug-logits}.
 *
 * <p>Pass rule: no answer differs.
 */
public final class SamenessSuite implements Suite {
    private static final Set<String> OPTIONS =
            Set.of("model", "demo", "prompts", "tokens", "shapes", "chat");
    private static final int BATCH = 8;

    /**
     * Shape name to the arguments of {@code baton up}; the first is what the others are compared
     * with.
     */
    private static final Map<String, List<String>> SHAPES = shapes();

    private static Map<String, List<String>> shapes() {
        Map<String, List<String>> shapes = new LinkedHashMap<>();
        shapes.put("colocated", List.of("--colocated"));
        shapes.put("1p1d", List.of());
        shapes.put("1p1d-guessing", List.of("--set", "engine.speculative-tokens=6"));
        shapes.put("2p1d-processes", List.of("--processes", "--prefillers", "2"));
        return shapes;
    }

    @Override
    public String name() {
        return "sameness";
    }

    @Override
    public String summary() {
        return "bit-identical tokens and logits over shapes, batches and prefix reuse; passes with 0 differences";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        int prompts =
                Integer.parseInt(context.option("prompts").orElse(context.quick() ? "8" : "100"));
        int tokens =
                Integer.parseInt(context.option("tokens").orElse(context.quick() ? "8" : "16"));
        boolean chat = Boolean.parseBoolean(context.option("chat").orElse("true"));
        List<Evidence> expected = List.of();
        boolean pass = true;
        for (String shape :
                context.option("shapes").orElse(String.join(",", SHAPES.keySet())).split(",")) {
            List<String> arguments = arguments(context, shape);
            try (Cluster cluster = context.cluster().start(arguments);
                    OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
                Round round = new Round(client, Prompts.questions(prompts), tokens, chat);
                for (boolean reuse : new boolean[] {false, true}) {
                    for (int batch : new int[] {1, BATCH}) {
                        List<Evidence> seen = round.ask(batch, reuse);
                        if (expected.isEmpty()) {
                            expected = seen;
                        }
                        String variant =
                                "%s batch %d %s".formatted(shape, batch, reuse ? "reuse" : "fresh");
                        pass &= compare(context, variant, expected, seen);
                    }
                }
            }
        }
        return pass;
    }

    private static List<String> arguments(SuiteContext context, String shape) {
        List<String> fixed = SHAPES.get(shape);
        if (fixed == null) {
            throw new IllegalArgumentException(
                    "unknown shape %s: %s".formatted(shape, SHAPES.keySet()));
        }
        List<String> arguments = new ArrayList<>(fixed);
        arguments.add("--debug-logits");
        if (Boolean.parseBoolean(context.option("demo").orElse("false"))) {
            arguments.add("--demo");
        }
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        return arguments;
    }

    /** What an answer is made of. */
    private record Evidence(String text, List<String> logits, int cached) {}

    private static boolean compare(
            SuiteContext context, String variant, List<Evidence> expected, List<Evidence> seen) {
        int different = 0;
        long steps = 0;
        long cached = 0;
        for (int i = 0; i < expected.size(); i++) {
            Evidence want = expected.get(i);
            Evidence have = seen.get(i);
            if (!want.text().equals(have.text()) || !want.logits().equals(have.logits())) {
                different++;
            }
            steps += have.logits().size();
            cached += have.cached();
        }
        row(context, variant, "answers that differ", different);
        row(context, variant, "logits compared", steps);
        row(context, variant, "tokens reused", cached);
        return different == 0 && steps > 0;
    }

    private static void row(SuiteContext context, String variant, String metric, double value) {
        context.results()
                .add(
                        new Row(
                                new Row.Name("sameness", variant, metric),
                                "count",
                                Row.Spread.of(value),
                                null,
                                null,
                                "E0"));
    }

    /** One cluster's questions. */
    private record Round(OpenAiClient client, List<String> prompts, int tokens, boolean chat) {
        /**
         * Asks all prompts, {@code batch} at a time.
         *
         * @param reuse without it every request has a salt of its own, so that no KV of another is
         *     found
         */
        List<Evidence> ask(int batch, boolean reuse) throws Exception {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            if (reuse) {
                // The first pass of equal prompts fills the caches that the second one finds.
                askAll(model, batch, "shared");
            }
            return askAll(model, batch, reuse ? "shared" : "fresh-" + batch);
        }

        private List<Evidence> askAll(String model, int batch, String salt) throws Exception {
            Semaphore slots = new Semaphore(batch);
            List<Future<Evidence>> futures = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < prompts.size(); i++) {
                    int number = i;
                    slots.acquire();
                    futures.add(
                            threads.submit(
                                    () -> {
                                        try {
                                            return one(
                                                    model,
                                                    prompts.get(number),
                                                    salt.equals("shared")
                                                            ? salt
                                                            : salt + "-" + number);
                                        } finally {
                                            slots.release();
                                        }
                                    }));
                }
            }
            List<Evidence> all = new ArrayList<>();
            for (Future<Evidence> future : futures) {
                all.add(future.get());
            }
            return all;
        }

        private Evidence one(String model, String prompt, String salt)
                throws IOException, InterruptedException {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("model", model);
            body.put("max_tokens", tokens);
            body.put("temperature", 0);
            body.put("ignore_eos", true);
            body.put("cache_salt", salt);
            if (chat) {
                body.put("messages", List.of(Map.of("role", "user", "content", prompt)));
            } else {
                body.put("prompt", prompt);
            }
            Answer answer =
                    client.stream(
                            chat ? "/v1/chat/completions" : "/v1/completions", body, text -> {});
            if (answer.error() != null) {
                throw new IOException("request " + answer.requestId() + ": " + answer.error());
            }
            JsonNode ledger =
                    client.get("/admin/requests/" + answer.requestId()).path("answers").path(0);
            List<String> shas = new ArrayList<>();
            ledger.path("logits_sha256").forEach(sha -> shas.add(sha.asString()));
            if (shas.size() != answer.completionTokens() || shas.isEmpty()) {
                throw new IOException(
                        "the ledger of %s has the logits of %d tokens, the answer has %d"
                                .formatted(
                                        answer.requestId(),
                                        shas.size(),
                                        answer.completionTokens()));
            }
            return new Evidence(
                    answer.text(),
                    shas,
                    answer.usage().path("prompt_tokens_details").path("cached_tokens").asInt(0));
        }
    }
}

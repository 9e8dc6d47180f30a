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
import org.jspecify.annotations.Nullable;

/**
 * What speculative decoding by prompt lookup gives and costs: decode speed of one stream with and
 * without guesses, the same requests turn by turn on one colocated worker, on text that repeats
 * what the prompt says and on ordinary chat, greedy and sampled.
 *
 * <p>Pass rule: every answer is the same both ways, greedy copying is at least {@value #LEAST_COPY}
 * times as fast, and everything else at least {@value #LEAST_OTHER} times.
 */
public final class SpeculateSuite implements Suite {
    private static final double LEAST_COPY = 1.3;
    private static final double LEAST_OTHER = 0.95;
    private static final Set<String> OPTIONS = Set.of("model", "threads", "tokens", "rounds");

    private static final String TEXT =
            """
            The lighthouse keeper wrote down the weather four times a day. On the third of March the wind turned to the north,
            and by noon the sea was over the lower steps. He carried the oil up himself, a hundred and twelve steps, because the
            winch had frozen. At four the supply boat Maria Helena passed without stopping. At six the lamp was lit, and at
            seven a ship of the Lisbon line answered with two long blasts. The barometer stood at nine hundred and seventy-one.
            He wrote that number twice, once in the log and once on the wall, where his father had written his own.
            """;
    private static final String CODE =
            """
            static int countWords(String text) {
                int count = 0;
                boolean inWord = false;
                for (int i = 0; i < text.length(); i++) {
                    char c = text.charAt(i);
                    if (Character.isWhitespace(c)) {
                        inWord = false;
                    } else if (!inWord) {
                        inWord = true;
                        count++;
                    }
                }
                return count;
            }
            """;

    @Override
    public String name() {
        return "speculate";
    }

    @Override
    public String summary() {
        return "decode speed with and without guesses; passes if answers are equal, greedy copying >= 1.3x, the rest >= 0.95x";
    }

    /** Requests of one kind, and how much faster they must be at least. */
    private record Kind(String name, List<Map<String, Object>> bodies, double least) {}

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "--colocated",
                                "--set",
                                "engine.speculative-tokens=" + context.option("tokens").orElse("8"),
                                "--threads",
                                context.option("threads").orElse("2")));
        context.option("model").ifPresent(model -> arguments.addAll(List.of("--model", model)));
        int rounds =
                context.option("rounds").map(Integer::parseInt).orElse(context.quick() ? 1 : 3);
        boolean pass = true;
        try (Cluster cluster = context.cluster().start(arguments);
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            for (Kind kind : kinds(model)) {
                // Warm: code, prefix and guessing's own code.
                answer(client, kind.bodies().getFirst(), true);
                pass &= measure(context, client, kind, rounds);
            }
        }
        return pass;
    }

    private static List<Kind> kinds(String model) {
        List<Kind> kinds = new ArrayList<>();
        for (double temperature : new double[] {0, 0.7}) {
            String how = temperature == 0 ? ", greedy" : ", sampled";
            List<Map<String, Object>> chat = new ArrayList<>();
            for (String question : Prompts.questions(51).subList(17, 23)) {
                chat.add(chat(model, question, temperature, 128));
            }
            kinds.add(
                    new Kind(
                            "copy" + how,
                            List.of(
                                    chat(
                                            model,
                                            "Repeat the following text exactly.\n\n" + TEXT,
                                            temperature,
                                            160),
                                    raw(
                                            model,
                                            "Text:\n" + TEXT + "\nThe same text again:\n",
                                            temperature,
                                            160)),
                            temperature == 0 ? LEAST_COPY : LEAST_OTHER));
            kinds.add(
                    new Kind(
                            "code edit" + how,
                            List.of(
                                    raw(
                                            model,
                                            "// The function:\n"
                                                    + CODE
                                                    + "\n// The same function, with count renamed to words:\n",
                                            temperature,
                                            128)),
                            LEAST_OTHER));
            kinds.add(new Kind("chat" + how, chat, LEAST_OTHER));
        }
        return kinds;
    }

    private static Map<String, Object> chat(
            String model, String question, double temperature, int tokens) {
        Map<String, Object> body = common(model, temperature, tokens);
        body.put("messages", List.of(Map.of("role", "user", "content", question)));
        return body;
    }

    private static Map<String, Object> raw(
            String model, String prompt, double temperature, int tokens) {
        Map<String, Object> body = common(model, temperature, tokens);
        body.put("prompt", prompt);
        return body;
    }

    private static Map<String, Object> common(String model, double temperature, int tokens) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("model", model);
        body.put("temperature", temperature);
        body.put("seed", 11);
        body.put("max_tokens", tokens);
        return body;
    }

    private static Answer answer(OpenAiClient client, Map<String, Object> body, boolean speculate)
            throws IOException, InterruptedException {
        Map<String, Object> fields = new LinkedHashMap<>(body);
        fields.put("speculative", speculate);
        String path = body.containsKey("messages") ? "/v1/chat/completions" : "/v1/completions";
        Answer answer = client.stream(path, fields, text -> {});
        if (answer.error() != null || answer.eventNanos().isEmpty()) {
            throw new IOException("the server failed: " + answer.error());
        }
        return answer;
    }

    private static boolean measure(SuiteContext context, OpenAiClient client, Kind kind, int rounds)
            throws IOException, InterruptedException {
        double[] with = new double[rounds];
        double[] without = new double[rounds];
        int different = 0;
        for (int round = 0; round < rounds; round++) {
            double[] tokens = new double[2];
            double[] seconds = new double[2];
            for (Map<String, Object> body : kind.bodies()) {
                String[] texts = new String[2];
                // Each goes first every other time.
                for (int turn = 0; turn < 2; turn++) {
                    int guessing = (turn + round) % 2;
                    Answer answer = answer(client, body, guessing == 1);
                    texts[guessing] = answer.text();
                    tokens[guessing] += answer.completionTokens() - 1;
                    seconds[guessing] += (answer.endNanos() - answer.eventNanos().getFirst()) / 1e9;
                }
                different += texts[0].equals(texts[1]) ? 0 : 1;
            }
            without[round] = tokens[0] / seconds[0];
            with[round] = tokens[1] / seconds[1];
        }
        Row.Spread base = Row.Spread.of(without);
        Row.Spread spread = Row.Spread.of(with);
        double ratio = spread.median() / base.median();
        row(context, kind.name(), "decode without", "tok/s", base, null);
        row(
                context,
                kind.name(),
                "decode with",
                "tok/s",
                spread,
                new Row.Baseline("without", base.median(), ratio));
        row(context, kind.name(), "answers that differ", "count", Row.Spread.of(different), null);
        return different == 0 && ratio >= kind.least();
    }

    private static void row(
            SuiteContext context,
            String testCase,
            String metric,
            String unit,
            Row.Spread spread,
            Row.@Nullable Baseline baseline) {
        context.results()
                .add(
                        new Row(
                                new Row.Name("speculate", testCase, metric),
                                unit,
                                spread,
                                baseline,
                                null,
                                "E0"));
    }
}

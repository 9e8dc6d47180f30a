package io.baton.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.deploy.cli.UpProcess;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import tools.jackson.databind.json.JsonMapper;

/**
 * Clients that ask the same prompts again and again and compare with the first answers. Each
 * request has a cache salt of its own: no prefix is found again, so each is prefilled elsewhere and
 * sent.
 */
final class Load {
    static final int CLIENTS = 3;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /**
     * What constrained answers and tools' arguments must be: complete long before the last token.
     */
    private static final Map<String, Object> SCHEMA =
            Map.of(
                    "type",
                    "object",
                    "properties",
                    Map.of("text", Map.of("type", "string", "minLength", 20, "maxLength", 40)),
                    "required",
                    List.of("text"),
                    "additionalProperties",
                    false);

    private final UpProcess cluster;
    private final Map<String, String> expected = new HashMap<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<?>> clients = new ArrayList<>();
    private final AtomicIntegerArray answers = new AtomicIntegerArray(CLIENTS);
    private final AtomicInteger salts = new AtomicInteger();
    private volatile boolean stopping;

    Load(UpProcess cluster) {
        this.cluster = cluster;
    }

    void learnAnswers() throws Exception {
        for (int i = 0; i < 6; i++) {
            String prompt =
                    "Prompt number " + i + ": " + "tell me more about it. ".repeat(8 + 5 * i);
            expected.put(prompt, ask(prompt).text());
        }
    }

    void start() {
        for (int i = 0; i < CLIENTS; i++) {
            int client = i;
            clients.add(threads.submit(() -> askAgainAndAgain(client)));
        }
    }

    private Void askAgainAndAgain(int client) throws Exception {
        SplittableRandom random = new SplittableRandom(client);
        List<String> prompts = List.copyOf(expected.keySet());
        while (!stopping) {
            String prompt = prompts.get(random.nextInt(prompts.size()));
            Answer answer = ask(prompt);
            assertEquals(expected.get(prompt), answer.text(), "request " + answer.requestId());
            answers.incrementAndGet(client);
        }
        return null;
    }

    private Answer ask(String prompt) throws Exception {
        try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = client.get("/v1/models").path("data").path(0).path("id").asString();
            Kind kind = Kind.of(prompt);
            Map<String, Object> body = new HashMap<>(kind.fields(prompt));
            body.put("model", model);
            body.put("cache_salt", String.valueOf(salts.incrementAndGet()));
            body.put("max_tokens", 96);
            body.put("temperature", 0);
            Answer answer = client.stream(kind.path, body, text -> {});
            assertNull(answer.error(), "request " + answer.requestId());
            assertEquals(kind.finish, answer.finishReason(), "request " + answer.requestId());
            if (kind != Kind.FREE) {
                String json = answer.text().substring(answer.text().indexOf('{'));
                int length = JSON.readTree(json).path("text").asString().length();
                assertTrue(length >= 20, answer.text());
            }
            return answer;
        }
    }

    /** What is asked for. */
    private enum Kind {
        FREE("/v1/completions", "length"),
        SCHEMA("/v1/completions", "length"),
        /** A call whose arguments come in pieces: each once and in order, whoever dies. */
        TOOL("/v1/chat/completions", "tool_calls");

        private final String path;
        private final String finish;

        Kind(String path, String finish) {
            this.path = path;
            this.finish = finish;
        }

        static Kind of(String prompt) {
            return values()[prompt.charAt("Prompt number ".length()) % values().length];
        }

        Map<String, Object> fields(String prompt) {
            return switch (this) {
                case FREE -> Map.of("prompt", prompt, "ignore_eos", true);
                case SCHEMA ->
                        Map.of("prompt", prompt, "ignore_eos", true, "guided_json", Load.SCHEMA);
                case TOOL ->
                        Map.of(
                                "messages",
                                List.of(Map.of("role", "user", "content", prompt)),
                                "tools",
                                List.of(
                                        Map.of(
                                                "type",
                                                "function",
                                                "function",
                                                Map.of("name", "note", "parameters", Load.SCHEMA))),
                                "tool_choice",
                                "required");
            };
        }
    }

    /** Waits until each client has got so many more answers. */
    void awaitAnswers(int count) throws Exception {
        int[] targets = new int[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            targets[i] = answers.get(i) + count;
        }
        await(
                () -> {
                    for (int i = 0; i < CLIENTS; i++) {
                        if (answers.get(i) < targets[i]) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    /** Waits for a condition while the clients go on; fails with the first of them that fails. */
    void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!condition.holds()) {
            for (Future<?> client : clients) {
                if (client.isDone()) {
                    client.get();
                }
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited for two minutes in vain");
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    void stopAndCheck() throws Exception {
        stopping = true;
        for (Future<?> client : clients) {
            client.get(120, TimeUnit.SECONDS);
        }
        threads.close();
    }
}

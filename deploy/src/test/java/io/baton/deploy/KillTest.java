package io.baton.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import io.baton.bench.frame.ClusterLauncher.RoleProcess;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * kill -9 of workers under load, in real processes: no request is lost, no token differs from an
 * undisturbed run, and all blocks come back. Class E0.
 */
class KillTest {
    private static final int CLIENTS = 3;

    @Test
    void twoKillsOfEachKind() throws Exception {
        killEach(2);
    }

    @Test
    @Tag("soak")
    void twentyKillsOfEachKind() throws Exception {
        killEach(20);
    }

    private static void killEach(int kills) throws Exception {
        try (UpProcess cluster =
                UpProcess.start(
                        List.of("--demo", "--processes", "--prefillers", "2", "--decoders", "2"),
                        Map.of("BATON_ROUTE_LOCAL_PREFILL_TOKENS", "16"))) {
            Load load = new Load(cluster);
            load.learnAnswers();
            load.start();
            for (String role : List.of("prefiller", "decoder")) {
                for (int i = 0; i < kills; i++) {
                    killOne(cluster, role, i);
                    load.awaitAnswers(2 * CLIENTS);
                    awaitWorkers(cluster, 4);
                }
            }
            load.stopAndCheck();
            awaitIdle(cluster);
        }
    }

    private static void killOne(UpProcess cluster, String role, int turn) {
        List<RoleProcess> candidates =
                cluster.processes().stream().filter(p -> p.role().startsWith(role)).toList();
        RoleProcess victim = candidates.get(turn % candidates.size());
        ProcessHandle.of(victim.pid()).ifPresent(ProcessHandle::destroyForcibly);
    }

    private static void awaitWorkers(UpProcess cluster, int count) throws Exception {
        await(cluster, "all workers are back", workers -> workers.size() == count);
    }

    private static void awaitIdle(UpProcess cluster) throws Exception {
        await(
                cluster,
                "no block is held",
                workers -> {
                    for (JsonNode worker : workers) {
                        if (worker.path("active_blocks").asInt(-1) != 0
                                || worker.path("reserved_blocks").asInt(-1) != 0) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    private interface Condition {
        boolean holds(List<JsonNode> workers);
    }

    private static void await(UpProcess cluster, String what, Condition condition)
            throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        List<JsonNode> workers = List.of();
        while (System.nanoTime() < deadline) {
            try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
                workers = Workers.of(client.get("/admin/workers"));
            }
            if (condition.holds(workers)) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("waited a minute in vain until " + what + ": " + workers);
    }

    /** Clients that ask the same prompts again and again and compare with the first answers. */
    private static final class Load {
        private final UpProcess cluster;
        private final Map<String, String> expected = new HashMap<>();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final List<Future<?>> clients = new ArrayList<>();
        private final AtomicInteger answers = new AtomicInteger();
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
                SplittableRandom random = new SplittableRandom(i);
                clients.add(threads.submit(() -> askAgainAndAgain(random)));
            }
        }

        private Void askAgainAndAgain(SplittableRandom random) throws Exception {
            List<String> prompts = List.copyOf(expected.keySet());
            while (!stopping) {
                String prompt = prompts.get(random.nextInt(prompts.size()));
                Answer answer = ask(prompt);
                assertEquals(expected.get(prompt), answer.text(), "request " + answer.requestId());
                answers.incrementAndGet();
            }
            return null;
        }

        private Answer ask(String prompt) throws Exception {
            try (OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
                String model = client.get("/v1/models").path("data").path(0).path("id").asString();
                Answer answer =
                        client.stream(
                                "/v1/completions",
                                Map.of(
                                        "model",
                                        model,
                                        "prompt",
                                        prompt,
                                        "max_tokens",
                                        96,
                                        "temperature",
                                        0,
                                        "ignore_eos",
                                        true),
                                text -> {});
                assertNull(answer.error(), "request " + answer.requestId());
                assertEquals("length", answer.finishReason(), "request " + answer.requestId());
                return answer;
            }
        }

        void awaitAnswers(int count) throws Exception {
            int target = answers.get() + count;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (answers.get() < target) {
                for (Future<?> client : clients) {
                    if (client.isDone()) {
                        client.get();
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("no progress for two minutes after a kill");
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
}

package io.baton.deploy.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.client.OpenAiClient;
import io.baton.deploy.DemoCluster;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A request whose deadline passes ends typed wherever it is, and its blocks are free. */
@ExtendWith(DemoCluster.class)
class DeadlineTest {
    private static Map<String, Object> body(DemoCluster cluster, int prompt) throws Exception {
        Map<String, Object> body = new HashMap<>();
        body.put("model", cluster.model());
        body.put("prompt", "one two three ".repeat(prompt));
        body.put("ignore_eos", true);
        return body;
    }

    @Test
    void runningAndWaitingRequestsEndAtTheirDeadline(DemoCluster cluster) throws Exception {
        try (OpenAiClient client = new OpenAiClient(URI.create(cluster.url()), null);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<IOException>> all = new ArrayList<>();
            for (int i = 1; i <= 8; i++) {
                Map<String, Object> body = body(cluster, 10 * i);
                body.put("max_tokens", 1000);
                body.put("deadline_ms", 20 * i);
                body.put("priority", i % 3);
                all.add(
                        threads.submit(
                                () ->
                                        assertThrows(
                                                IOException.class,
                                                () -> client.post("/v1/completions", body))));
            }
            for (Future<IOException> one : all) {
                String said = String.valueOf(one.get().getMessage());
                assertTrue(said.contains(": 504 "), said);
            }
            cluster.awaitIdle();
            Map<String, Object> body = body(cluster, 1);
            body.put("max_tokens", 3);
            body.put("deadline_ms", 60_000);
            assertEquals(
                    3,
                    client.post("/v1/completions", body)
                            .path("usage")
                            .path("completion_tokens")
                            .asInt());
        }
    }
}

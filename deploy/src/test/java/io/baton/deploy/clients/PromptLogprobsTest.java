package io.baton.deploy.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.deploy.DemoCluster;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * {@code echo} with {@code logprobs}, as evaluation harnesses ask for it, through a real cluster.
 */
@ExtendWith(DemoCluster.class)
class PromptLogprobsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Longer than what a decoder prefills by itself, and than one step has rows of logits. */
    private static final List<Integer> PROMPT =
            IntStream.range(0, 150).map(i -> 20 + i * 7 % 200).boxed().toList();

    private static String post(DemoCluster cluster, Map<String, Object> body) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(cluster.url() + "/v1/completions"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)))
                        .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response =
                    client.send(request, HttpResponse.BodyHandlers.ofString());
            assertEquals(200, response.statusCode(), response.body());
            return response.body();
        }
    }

    private static JsonNode choice(DemoCluster cluster, List<Integer> prompt, boolean echo)
            throws Exception {
        String body =
                post(
                        cluster,
                        Map.of(
                                "prompt",
                                prompt,
                                "echo",
                                echo,
                                "logprobs",
                                2,
                                "max_tokens",
                                1,
                                "temperature",
                                0));
        return JSON.readTree(body).path("choices").path(0);
    }

    @Test
    void thePromptsLogProbabilitiesAreThoseOfItsContinuations(DemoCluster cluster)
            throws Exception {
        JsonNode echoed = choice(cluster, PROMPT, true).path("logprobs");
        assertEquals(151, echoed.path("tokens").size());
        assertTrue(echoed.path("token_logprobs").path(0).isNull());
        assertTrue(echoed.path("top_logprobs").path(0).isNull());
        assertEquals(0, echoed.path("text_offset").path(0).intValue());
        for (int at : new int[] {1, 15, 16, 64, 100, 149}) {
            JsonNode next = choice(cluster, PROMPT.subList(0, at), false).path("logprobs");
            JsonNode seen = echoed.path("top_logprobs").path(at);
            next.path("top_logprobs")
                    .path(0)
                    .properties()
                    .forEach(
                            entry ->
                                    assertEquals(
                                            entry.getValue(),
                                            seen.path(entry.getKey()),
                                            "token " + at));
            String token = echoed.path("tokens").path(at).stringValue();
            assertEquals(seen.path(token), echoed.path("token_logprobs").path(at));
        }
    }

    @Test
    void theStreamSaysTheSame(DemoCluster cluster) throws Exception {
        JsonNode whole = choice(cluster, PROMPT, true);
        Map<String, Object> body =
                Map.of(
                        "prompt",
                        PROMPT,
                        "echo",
                        true,
                        "logprobs",
                        2,
                        "max_tokens",
                        1,
                        "temperature",
                        0,
                        "stream",
                        true);
        StringBuilder text = new StringBuilder();
        List<JsonNode> logprobs = new ArrayList<>();
        post(cluster, body)
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> JSON.readTree(line.substring(6)).path("choices").path(0))
                .forEach(
                        choice -> {
                            text.append(choice.path("text").stringValue());
                            choice.path("logprobs").path("token_logprobs").forEach(logprobs::add);
                        });
        assertEquals(whole.path("text").stringValue(), text.toString());
        List<JsonNode> expected = new ArrayList<>();
        whole.path("logprobs").path("token_logprobs").forEach(expected::add);
        assertEquals(expected, logprobs);
    }
}

package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.events;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Finished;
import io.baton.common.proto.GenerationSpec;
import io.baton.router.fake.FakeModel;
import io.baton.router.fake.FakeWorker;
import io.baton.router.fake.TestCluster;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Details of answers that clients check, over real HTTP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenAiEndpointTest {
    private TestCluster cluster;

    @BeforeAll
    void start(@TempDir Path state) throws Exception {
        cluster = TestCluster.colocated(state);
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private GenerationSpec lastSpec() throws InterruptedException {
        GenerationSpec last = cluster.worker("w").nextDecode().spec();
        while (cluster.worker("w").unseenDecodes() > 0) {
            last = cluster.worker("w").nextDecode().spec();
        }
        return last;
    }

    private static String streamed(List<String> events, String pointer) {
        StringBuilder text = new StringBuilder();
        for (String event : events) {
            if (!event.equals("[DONE]") && json(event).at(pointer).isString()) {
                text.append(json(event).at(pointer).stringValue());
            }
        }
        return text.toString();
    }

    @Test
    void aWholeChatAnswer() throws Exception {
        lastSpecs();
        HttpResponse<String> response =
                cluster.post("/v1/chat/completions", chat(5, "\"model\":\"alias\""));
        assertEquals(200, response.statusCode(), response.body());
        JsonNode answer = json(response.body());
        GenerationSpec spec = lastSpec();
        assertTrue(answer.at("/id").stringValue().startsWith("chatcmpl-"));
        assertEquals("chat.completion", answer.at("/object").stringValue());
        assertEquals("alias", answer.at("/model").stringValue());
        assertEquals("assistant", answer.at("/choices/0/message/role").stringValue());
        assertEquals(
                FakeModel.INSTANCE.answer(spec),
                answer.at("/choices/0/message/content").stringValue());
        assertEquals("length", answer.at("/choices/0/finish_reason").stringValue());
        assertEquals(5, answer.at("/usage/completion_tokens").intValue());
        assertEquals(spec.getPromptCount(), answer.at("/usage/prompt_tokens").intValue());
        assertEquals(spec.getPromptCount() + 5, answer.at("/usage/total_tokens").intValue());
        assertEquals(0, answer.at("/usage/prompt_tokens_details/cached_tokens").intValue());
        assertTrue(response.headers().firstValue("x-request-id").isPresent());
    }

    private void lastSpecs() throws InterruptedException {
        while (cluster.worker("w").unseenDecodes() > 0) {
            cluster.worker("w").nextDecode();
        }
    }

    @Test
    void aStreamHasTheSameTextAndTheRightOrder() throws Exception {
        String whole =
                json(cluster.post("/v1/chat/completions", chat(6, "")).body())
                        .at("/choices/0/message/content")
                        .stringValue();
        HttpResponse<String> response =
                cluster.post(
                        "/v1/chat/completions",
                        chat(6, "\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        assertEquals(
                "text/event-stream; charset=utf-8",
                response.headers().firstValue("content-type").orElseThrow());
        List<String> events = events(response.body());
        assertEquals("[DONE]", events.getLast());
        assertEquals(whole, streamed(events, "/choices/0/delta/content"));
        assertEquals(
                "assistant", json(events.getFirst()).at("/choices/0/delta/role").stringValue());
        JsonNode usage = json(events.get(events.size() - 2));
        assertTrue(usage.at("/choices").isEmpty());
        assertEquals(6, usage.at("/usage/completion_tokens").intValue());
        JsonNode finish = json(events.get(events.size() - 3));
        assertEquals("length", finish.at("/choices/0/finish_reason").stringValue());
        assertFalse(finish.at("/choices/0/delta").has("content"));
        long reasons =
                events.stream()
                        .filter(event -> !event.equals("[DONE]"))
                        .filter(event -> json(event).at("/choices/0/finish_reason").isString())
                        .count();
        assertEquals(1, reasons);
        String id = json(events.getFirst()).at("/id").stringValue();
        for (String event : events.subList(0, events.size() - 1)) {
            assertEquals(id, json(event).at("/id").stringValue());
            if (event != events.get(events.size() - 2)) {
                assertFalse(json(event).has("usage"), event);
            }
        }
    }

    @Test
    void usageInEveryChunkIfAskedFor() throws Exception {
        List<String> events =
                events(
                        cluster.post(
                                        "/v1/completions",
                                        "{\"prompt\":\"a\",\"max_tokens\":2,\"stream\":true,\"stream_options\":{\"continuous_usage_stats\":true}}")
                                .body());
        for (String event : events.subList(0, events.size() - 1)) {
            assertTrue(json(event).at("/usage/completion_tokens").intValue() > 0, event);
        }
    }

    @Test
    void severalPromptsAndChoicesAreNumbered() throws Exception {
        JsonNode answer =
                json(
                        cluster.post(
                                        "/v1/completions",
                                        "{\"prompt\":[\"a\",\"b\"],\"n\":2,\"seed\":5,\"max_tokens\":3}")
                                .body());
        assertEquals(4, answer.at("/choices").size());
        for (int i = 0; i < 4; i++) {
            assertEquals(i, answer.at("/choices/" + i + "/index").intValue());
        }
        assertEquals(12, answer.at("/usage/completion_tokens").intValue());
        JsonNode one =
                json(
                        cluster.post(
                                        "/v1/completions",
                                        "{\"prompt\":\"b\",\"seed\":6,\"max_tokens\":3}")
                                .body());
        assertEquals(
                one.at("/choices/0/text").stringValue(),
                answer.at("/choices/3/text").stringValue(),
                "answer i of a prompt uses seed + i");
    }

    @Test
    void echoPutsThePromptFirstInBothForms() throws Exception {
        String body = "{\"prompt\":\"hello\",\"echo\":true,\"max_tokens\":2,\"seed\":1%s}";
        String whole =
                json(cluster.post("/v1/completions", body.formatted("")).body())
                        .at("/choices/0/text")
                        .stringValue();
        assertTrue(whole.startsWith("hello"), whole);
        List<String> events =
                events(cluster.post("/v1/completions", body.formatted(",\"stream\":true")).body());
        assertEquals(whole, streamed(events, "/choices/0/text"));
    }

    @Test
    void logprobsInBothStyles() throws Exception {
        JsonNode chat =
                json(
                        cluster.post(
                                        "/v1/chat/completions",
                                        chat(2, "\"logprobs\":true,\"top_logprobs\":2"))
                                .body());
        assertEquals(2, chat.at("/choices/0/logprobs/content").size());
        assertEquals(2, chat.at("/choices/0/logprobs/content/0/top_logprobs").size());
        JsonNode none =
                json(
                        cluster.post(
                                        "/v1/chat/completions",
                                        chat(2, "\"logprobs\":true,\"top_logprobs\":0"))
                                .body());
        assertTrue(none.at("/choices/0/logprobs/content/0/top_logprobs").isEmpty());
        JsonNode text =
                json(
                        cluster.post(
                                        "/v1/completions",
                                        "{\"prompt\":\"a\",\"max_tokens\":2,\"logprobs\":1}")
                                .body());
        assertEquals(2, text.at("/choices/0/logprobs/tokens").size());
        assertEquals(0, text.at("/choices/0/logprobs/text_offset/0").intValue());
        List<String> events =
                events(
                        cluster.post(
                                        "/v1/chat/completions",
                                        chat(2, "\"logprobs\":true,\"stream\":true"))
                                .body());
        assertTrue(events.stream().anyMatch(event -> event.contains("\"logprobs\":{\"content\"")));
    }

    @Test
    void aStopTextIsReported() throws Exception {
        cluster.worker("w")
                .decoding(
                        call -> {
                            call.started(0);
                            call.tokens(0, 2);
                            call.finished(
                                    Finished.newBuilder()
                                            .setReason("stop")
                                            .setStopText("END")
                                            .setText("tail")
                                            .build());
                        });
        try {
            JsonNode answer =
                    json(cluster.post("/v1/chat/completions", chat(9, "\"stop\":\"END\"")).body());
            assertEquals("stop", answer.at("/choices/0/finish_reason").stringValue());
            assertEquals("END", answer.at("/choices/0/stop_reason").stringValue());
            assertTrue(answer.at("/choices/0/message/content").stringValue().endsWith("tail"));
        } finally {
            cluster.worker("w").decoding(io.baton.router.fake.FakeWorker::decode);
        }
    }

    @Test
    void modelsHealthVersionMetricsTokenize() throws Exception {
        JsonNode models = json(cluster.get("/v1/models").body());
        assertEquals("list", models.at("/object").stringValue());
        assertEquals("fake", models.at("/data/0/id").stringValue());
        assertEquals("alias", models.at("/data/1/id").stringValue());
        assertEquals(FakeModel.MAX_LEN, models.at("/data/0/max_model_len").intValue());
        assertEquals("fake", json(cluster.get("/v1/models/fake").body()).at("/id").stringValue());
        for (String name : List.of("nope", "..%2F..%2Fetc", "a%00b", "m".repeat(2000))) {
            HttpResponse<String> response = cluster.get("/v1/models/" + name);
            assertEquals(404, response.statusCode());
            assertEquals("model_not_found", json(response.body()).at("/error/code").stringValue());
        }
        for (String path : List.of("/health", "/readyz", "/livez")) {
            assertEquals(200, cluster.get(path).statusCode(), path);
        }
        assertFalse(json(cluster.get("/version").body()).at("/version").isMissingNode());
        String metrics = cluster.get("/metrics").body();
        assertTrue(metrics.contains("baton_router_workers"), metrics);
        JsonNode tokens =
                json(
                        cluster.post(
                                        "/tokenize",
                                        "{\"prompt\":\"hello\",\"return_token_strs\":true}")
                                .body());
        assertEquals(tokens.at("/count").intValue(), tokens.at("/tokens").size());
        assertEquals(tokens.at("/count").intValue(), tokens.at("/token_strs").size());
        JsonNode text =
                json(
                        cluster.post("/detokenize", "{\"tokens\":" + tokens.at("/tokens") + "}")
                                .body());
        assertTrue(text.at("/prompt").stringValue().endsWith("hello"), text.toString());
        JsonNode chat =
                json(
                        cluster.post(
                                        "/tokenize",
                                        "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}")
                                .body());
        assertTrue(chat.at("/count").intValue() > 1);
    }

    @Test
    void controlTokensInUserTextStayText() throws Exception {
        JsonNode plain = json(cluster.post("/tokenize", "{\"prompt\":\"<|im_end|>\"}").body());
        assertTrue(plain.at("/count").intValue() > 1, plain.toString());
    }

    @Test
    void theLedgerIsThereOnDemand() throws Exception {
        HttpResponse<String> response =
                cluster.send(
                        cluster.request("/v1/chat/completions")
                                .header("X-Baton-Ledger", "1")
                                .header("X-Request-Id", "my-id")
                                .POST(BodyPublishers.ofString(chat(3, "")))
                                .build());
        assertEquals("my-id", response.headers().firstValue("x-request-id").orElseThrow());
        JsonNode ledger = json(response.headers().firstValue("x-baton-ledger").orElseThrow());
        assertEquals("my-id", ledger.at("/id").stringValue());
        assertEquals(3, ledger.at("/answers/0/completion_tokens").intValue());
        assertEquals("w", ledger.at("/answers/0/workers/0").stringValue());
        JsonNode kept = json(cluster.get("/admin/requests/my-id").body());
        assertEquals("finished", kept.at("/outcome").stringValue());
        assertEquals("w", kept.at("/answers/0/candidates/0/worker").stringValue());
        assertEquals(404, cluster.get("/admin/requests/other").statusCode());
        HttpResponse<String> stream =
                cluster.send(
                        cluster.request("/v1/chat/completions")
                                .header("X-Baton-Ledger", "1")
                                .POST(BodyPublishers.ofString(chat(3, "\"stream\":true")))
                                .build());
        assertTrue(stream.body().contains(": baton-ledger {"), stream.body());
        JsonNode workers = json(cluster.get("/admin/workers").body());
        assertEquals("w", workers.at("/pools/0/workers/0/id").stringValue());
    }

    @Test
    void tracesAndTenantsReachTheWorker() throws Exception {
        lastSpecs();
        String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        cluster.send(
                cluster.request("/v1/chat/completions")
                        .header("traceparent", trace)
                        .POST(BodyPublishers.ofString(chat(1, "\"cache_salt\":\"a\"")))
                        .build());
        GenerationSpec salted = lastSpec();
        assertEquals(trace, salted.getTraceparent());
        cluster.post("/v1/chat/completions", chat(1, ""));
        GenerationSpec plain = lastSpec();
        assertEquals("anonymous", plain.getTenant());
        assertEquals(1, plain.getTenantWeight());
        assertEquals(0, plain.getPriority());
        assertFalse(plain.getNoSpeculation());
        assertEquals(32, plain.getTenantSalt().size());
        assertFalse(plain.getTenantSalt().equals(salted.getTenantSalt()));
    }

    @Test
    void whenARequestIsServedReachesTheWorkerAndItsDeadlineHolds() throws Exception {
        lastSpecs();
        cluster.post(
                "/v1/chat/completions",
                chat(1, "\"priority\":-7,\"speculative\":false,\"deadline_ms\":9000"));
        GenerationSpec spec = lastSpec();
        assertEquals(-7, spec.getPriority());
        assertTrue(spec.getNoSpeculation());
        assertTrue(spec.getDeadlineMillis() > 0 && spec.getDeadlineMillis() <= 9000);
        cluster.worker("w").decoding(call -> call.started(0));
        try {
            HttpResponse<String> late =
                    cluster.post("/v1/chat/completions", chat(3, "\"deadline_ms\":50"));
            assertEquals(504, late.statusCode(), late.body());
            assertEquals(
                    "deadline_exceeded",
                    json(late.body()).at("/error/code").stringValue(),
                    late.body());
        } finally {
            cluster.worker("w").decoding(FakeWorker::decode);
        }
    }

    @Test
    void anErrorBeforeTheFirstTokenHasAStatusAndOneAfterItIsAFrame() throws Exception {
        cluster.worker("w")
                .decoding(
                        call -> {
                            call.started(0);
                            call.failed(ErrorCode.INVALID_VALUE, "no");
                        });
        try {
            HttpResponse<String> early =
                    cluster.post("/v1/chat/completions", chat(3, "\"stream\":true"));
            assertEquals(400, early.statusCode());
            assertEquals("invalid_value", json(early.body()).at("/error/code").stringValue());
            cluster.worker("w")
                    .decoding(
                            call -> {
                                call.started(0);
                                call.tokens(0, 2);
                                call.failed(ErrorCode.INVALID_VALUE, "no");
                            });
            HttpResponse<String> late =
                    cluster.post("/v1/chat/completions", chat(3, "\"stream\":true"));
            assertEquals(200, late.statusCode());
            List<String> events = new ArrayList<>(events(late.body()));
            assertEquals("[DONE]", events.removeLast());
            assertEquals(
                    "invalid_value", json(events.removeLast()).at("/error/code").stringValue());
            for (String event : events) {
                assertFalse(json(event).has("error"));
                assertFalse(json(event).at("/choices/0/finish_reason").isString());
            }
        } finally {
            cluster.worker("w").decoding(io.baton.router.fake.FakeWorker::decode);
        }
    }

    /** The JDK's client asks for an upgrade to HTTP/2 with every POST; others lose its body. */
    @Test
    void theJdkClientUpgradesToHttp2WithABody() throws Exception {
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            for (int size : List.of(100, 40_000)) {
                String padding = "x".repeat(size);
                HttpRequest request =
                        HttpRequest.newBuilder(
                                        URI.create(cluster.router().uri() + "/v1/chat/completions"))
                                .header("Content-Type", "application/json")
                                .POST(
                                        BodyPublishers.ofString(
                                                chat(2, "\"user\":\"" + padding + "\"")))
                                .build();
                HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
                assertEquals(200, response.statusCode(), response.body());
                assertEquals(HttpClient.Version.HTTP_2, response.version());
                HttpRequest streaming =
                        HttpRequest.newBuilder(request.uri())
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(chat(4, "\"stream\":true")))
                                .build();
                List<String> events =
                        events(client.send(streaming, BodyHandlers.ofString()).body());
                assertEquals("[DONE]", events.getLast());
            }
        }
    }

    @Test
    void chunkedRequestBodiesAreTaken() throws Exception {
        byte[] body = chat(2, "").getBytes(java.nio.charset.StandardCharsets.UTF_8);
        HttpRequest request =
                cluster.request("/v1/chat/completions")
                        .POST(
                                BodyPublishers.ofInputStream(
                                        () -> new java.io.ByteArrayInputStream(body)))
                        .build();
        assertEquals(200, cluster.send(request).statusCode());
    }
}

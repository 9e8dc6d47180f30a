package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.router.fake.FakeModel;
import io.baton.router.fake.TestCluster;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Hostile requests: each is answered in OpenAI's shape and no worker hears of it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputTest {
    private TestCluster cluster;

    @BeforeAll
    void start(@TempDir Path state) throws Exception {
        cluster = TestCluster.colocated(state);
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private JsonNode refused(HttpResponse<String> response, int status, String code) {
        assertEquals(status, response.statusCode(), response.body());
        assertEquals(
                "application/json", response.headers().firstValue("content-type").orElseThrow());
        JsonNode error = json(response.body()).at("/error");
        assertEquals(code, error.at("/code").stringValue(), response.body());
        assertTrue(error.at("/message").isString());
        assertTrue(error.at("/type").isString());
        assertTrue(error.has("param"));
        assertFalse(response.body().contains("\tat "), "no stack traces");
        assertEquals(0, cluster.worker("w").unseenDecodes(), "no engine work");
        return error;
    }

    private RawHttp raw() throws Exception {
        return new RawHttp(cluster.router().uri());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}x",
                "{} {}",
                "[]",
                "1",
                "{\"messages\":[],\"messages\":[]}",
                "{/**/}",
                "{\"user\":\"\\ud800\"}",
                "{\"temperature\":NaN}",
                "{\"temperature\":1e999}"
            })
    void malformedBodies(String body) throws Exception {
        refused(cluster.post("/v1/chat/completions", body), 400, "invalid_request");
        refused(cluster.post("/v1/completions", body), 400, "invalid_request");
    }

    @Test
    void otherEncodings() throws Exception {
        for (byte[] body :
                new byte[][] {
                    chat(1, "").getBytes(StandardCharsets.UTF_16),
                    ("\ufeff" + chat(1, "")).getBytes(StandardCharsets.UTF_8),
                    {'{', '"', (byte) 0xc0, (byte) 0x80, '"', ':', '1', '}'},
                }) {
            refused(
                    cluster.send(
                            cluster.request("/v1/chat/completions")
                                    .POST(BodyPublishers.ofByteArray(body))
                                    .build()),
                    400,
                    "invalid_request");
        }
    }

    @Test
    void deepAndLongJson() throws Exception {
        refused(
                cluster.post(
                        "/v1/chat/completions",
                        "{\"metadata\":" + "[".repeat(5000) + "]".repeat(5000) + "}"),
                400,
                "invalid_request");
        refused(
                cluster.post("/v1/chat/completions", "{\"n\":" + "9".repeat(50_000) + "}"),
                400,
                "invalid_request");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "temperature | -1", "temperature | \"a\"", "temperature | true", "top_p | 0",
                "n | 0", "n | 1000000000", "seed | 9223372036854775808", "max_tokens | -1",
                "max_tokens | 0", "top_logprobs | 1000000", "frequency_penalty | 1e9"
            })
    void badValues(String field, String value) throws Exception {
        JsonNode error =
                refused(
                        cluster.post(
                                "/v1/chat/completions",
                                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"%s\":%s}"
                                        .formatted(field, value)),
                        400,
                        "invalid_value");
        assertEquals(field, error.at("/param").stringValue());
    }

    @Test
    void tooManyTokens() throws Exception {
        for (String max : new String[] {"2147483647", "100000", "" + FakeModel.MAX_LEN}) {
            JsonNode error =
                    refused(
                            cluster.post(
                                    "/v1/completions",
                                    "{\"prompt\":\"a b c\",\"max_tokens\":" + max + "}"),
                            400,
                            "context_length_exceeded");
            assertEquals("max_tokens", error.at("/param").stringValue());
            assertTrue(error.at("/message").stringValue().contains("" + FakeModel.MAX_LEN));
        }
        refused(
                cluster.post("/v1/completions", "{\"prompt\":\"" + "word ".repeat(2000) + "\"}"),
                400,
                "context_length_exceeded");
        refused(
                cluster.post("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":1e18}"),
                400,
                "invalid_value");
    }

    @Test
    void badTokenPrompts() throws Exception {
        for (String prompt : new String[] {"[-1]", "[99999999]", "[]", "[[]]", "[1,\"a\"]"}) {
            JsonNode error =
                    refused(
                            cluster.post("/v1/completions", "{\"prompt\":" + prompt + "}"),
                            400,
                            "invalid_value");
            assertEquals("prompt", error.at("/param").stringValue());
        }
        refused(
                cluster.post("/v1/completions", "{\"prompt_embeds\":\"AAAA\",\"prompt\":\"a\"}"),
                400,
                "unsupported_parameter");
        refused(
                cluster.post(
                        "/v1/completions", "{\"prompt\":\"a\",\"logit_bias\":{\"9999999\":1}}"),
                400,
                "invalid_value");
        refused(
                cluster.post("/v1/completions", "{\"prompt\":\"a\",\"stop_token_ids\":[9999999]}"),
                400,
                "invalid_value");
    }

    @Test
    void unknownModels() throws Exception {
        String first = null;
        for (String name : new String[] {"other", "../../etc/passwd", "a%00b"}) {
            HttpResponse<String> response =
                    cluster.post("/v1/chat/completions", chat(1, "\"model\":\"" + name + "\""));
            refused(response, 404, "model_not_found");
            first = first == null ? response.body() : first;
            assertEquals(first, response.body(), "the name is not echoed");
        }
        refused(
                cluster.post(
                        "/v1/chat/completions",
                        chat(1, "\"model\":\"" + "m".repeat(10_000) + "\"")),
                400,
                "invalid_value");
    }

    @Test
    void templatesAndImages() throws Exception {
        refused(
                cluster.post("/v1/chat/completions", chat(1, "\"chat_template\":\"{{1}}\"")),
                400,
                "unsupported_parameter");
        refused(
                cluster.post(
                        "/v1/chat/completions",
                        chat(1, "\"chat_template_kwargs\":{\"chat_template\":\"x\"}")),
                400,
                "unsupported_parameter");
        refused(
                cluster.post(
                        "/v1/chat/completions",
                        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]}]}"),
                400,
                "unsupported_parameter");
    }

    @Test
    void bodiesBeyondTheLimit() throws Exception {
        String big = "x".repeat(70_000);
        refused(
                cluster.post("/v1/chat/completions", chat(1, "\"user\":\"" + big + "\"")),
                413,
                "body_too_large");
        try (RawHttp raw = raw()) {
            raw.send(
                    RawHttp.post(
                            "/v1/chat/completions",
                            "",
                            "Content-Type: application/json",
                            "Transfer-Encoding: chunked"));
            for (int i = 0; i < 20; i++) {
                raw.send("1000\r\n" + "x".repeat(4096) + "\r\n");
            }
            String answer = raw.readAll();
            assertTrue(answer.startsWith("HTTP/1.1 413"), answer);
        }
        try (RawHttp raw = raw()) {
            raw.send(
                    RawHttp.post(
                            "/v1/chat/completions",
                            "",
                            "Content-Type: application/json",
                            "Content-Length: 99999999999"));
            assertTrue(raw.readAll().startsWith("HTTP/1.1 413"));
        }
    }

    @Test
    void compressedAndForeignBodies() throws Exception {
        for (String encoding : new String[] {"gzip", "zstd", "br"}) {
            refused(
                    cluster.send(
                            cluster.request("/v1/completions")
                                    .header("Content-Encoding", encoding)
                                    .POST(BodyPublishers.ofString("x"))
                                    .build()),
                    415,
                    "unsupported_media_type");
        }
        for (String type : new String[] {"text/plain", "application/json; charset=utf-16", "x"}) {
            refused(
                    cluster.send(
                            cluster.request("/v1/completions")
                                    .setHeader("Content-Type", type)
                                    .POST(BodyPublishers.ofString("{}"))
                                    .build()),
                    415,
                    "unsupported_media_type");
        }
    }

    @Test
    void pathsAndMethods() throws Exception {
        refused(cluster.get("/v1/nothing"), 404, "not_found");
        refused(cluster.post("/v1/models", "{}"), 405, "method_not_allowed");
        HttpResponse<String> get = cluster.get("/v1/chat/completions");
        refused(get, 405, "method_not_allowed");
        assertEquals("POST", get.headers().firstValue("allow").orElseThrow());
        refused(cluster.get("/health?api_key=x"), 400, "invalid_value");
    }

    @Test
    void badRequestIds() throws Exception {
        JsonNode error =
                refused(
                        cluster.send(
                                cluster.request("/v1/models")
                                        .header("X-Request-Id", "../x y")
                                        .GET()
                                        .build()),
                        400,
                        "invalid_value");
        assertEquals("X-Request-Id", error.at("/param").stringValue());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "GARBAGE\r\n\r\n",
                "GET /health HTTP/9.9\r\n\r\n",
                "GET /health HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n"
            })
    void brokenFramingEndsTheConnection(String bytes) throws Exception {
        try (RawHttp raw = raw()) {
            String answer = raw.send(bytes).readAll();
            assertTrue(
                    answer.isEmpty() || answer.matches("(?s)HTTP/\\d\\.\\d (4\\d\\d|501) .*"),
                    answer);
            assertFalse(answer.contains("HTTP/1.1 200"), answer);
        }
    }

    @Test
    void headerBombs() throws Exception {
        try (RawHttp raw = raw()) {
            String answer =
                    raw.send("GET /health HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(20_000))
                            .readAll();
            assertTrue(answer.startsWith("HTTP/1.1 431"), answer);
            assertTrue(answer.contains("headers_too_large"), answer);
        }
        try (RawHttp raw = raw()) {
            String answer =
                    raw.send("GET /health HTTP/1.1\r\nHost: a\r\n" + "C: d\r\n".repeat(10_000))
                            .readAll();
            assertTrue(answer.startsWith("HTTP/1.1 431"), answer);
        }
        try (RawHttp raw = raw()) {
            String answer = raw.send("GET /" + "x".repeat(9000) + " HTTP/1.1\r\n\r\n").readAll();
            assertTrue(answer.startsWith("HTTP/1.0 431"), answer);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "PRI", "G", "GET /health HTTP/1.1\r\nHost: a\r\n"})
    void slowHeadersEndTheConnectionInTime(String begin) throws Exception {
        long start = System.nanoTime();
        try (RawHttp raw = raw()) {
            assertEquals("", raw.send(begin).readAll());
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertTrue(millis < 5000, "%d ms".formatted(millis));
    }

    @Test
    void slowBodiesGet408() throws Exception {
        try (RawHttp raw = raw()) {
            String answer =
                    raw.send(
                                    RawHttp.post(
                                            "/v1/completions",
                                            "{",
                                            "Content-Type: application/json",
                                            "Content-Length: 100"))
                            .readAll();
            assertTrue(answer.startsWith("HTTP/1.1 408"), answer);
            assertTrue(answer.contains("request_timeout"), answer);
        }
    }

    @Test
    void theConnectionStaysUsableAfterAnError() throws Exception {
        try (RawHttp raw = raw()) {
            String bad =
                    RawHttp.post(
                            "/v1/completions",
                            "{",
                            "Content-Type: application/json",
                            "Content-Length: 1");
            raw.send(bad);
            assertTrue(raw.readUntil("}}").startsWith("HTTP/1.1 400"));
            raw.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
            assertTrue(raw.readUntil("\r\n\r\n").startsWith("HTTP/1.1 200"));
        }
    }
}

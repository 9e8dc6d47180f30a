package io.baton.bench.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Calls an OpenAI-compatible endpoint and keeps the time of each event. */
public final class OpenAiClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();
    private final URI base;
    private final @Nullable String apiKey;

    /**
     * @param base base URL without {@code /v1}
     * @param apiKey sent as a bearer token, null for none
     */
    public OpenAiClient(URI base, @Nullable String apiKey) {
        this.base = base;
        this.apiKey = apiKey;
    }

    /**
     * One answer.
     *
     * @param requestId the server's {@code X-Request-Id}
     * @param text the whole text
     * @param finishReason as sent, null if the stream ended without one
     * @param usage the usage object, a missing node if none came
     * @param sentNanos when the request was sent
     * @param eventNanos when each non-empty text delta came
     * @param endNanos when the answer ended
     * @param error the error's message, null if there was none
     */
    public record Answer(
            String requestId,
            String text,
            @Nullable String finishReason,
            JsonNode usage,
            long sentNanos,
            List<Long> eventNanos,
            long endNanos,
            @Nullable String error) {
        /** Seconds from sending to the first text, NaN if none came. */
        public double ttftSeconds() {
            return eventNanos.isEmpty() ? Double.NaN : (eventNanos.getFirst() - sentNanos) / 1e9;
        }

        /** Mean seconds between texts after the first, NaN with fewer than two. */
        public double tpotSeconds() {
            int n = eventNanos.size();
            return n < 2
                    ? Double.NaN
                    : (eventNanos.getLast() - eventNanos.getFirst()) / 1e9 / (n - 1);
        }

        public int promptTokens() {
            return usage.path("prompt_tokens").asInt(0);
        }

        public int completionTokens() {
            return usage.path("completion_tokens").asInt(0);
        }
    }

    /**
     * Sends a request with {@code stream: true} and usage asked for, and reads the stream to its
     * end.
     *
     * @param path {@code /v1/chat/completions} or {@code /v1/completions}
     * @param body the request's fields
     * @param onText hears each text delta as it comes
     */
    public Answer stream(String path, Map<String, ?> body, Consumer<String> onText)
            throws IOException, InterruptedException {
        Map<String, Object> fields = new java.util.LinkedHashMap<>(body);
        fields.put("stream", true);
        fields.put("stream_options", Map.of("include_usage", true));
        long sent = System.nanoTime();
        HttpResponse<InputStream> response =
                http.send(
                        request(path).POST(json(fields)).build(),
                        HttpResponse.BodyHandlers.ofInputStream());
        String id = response.headers().firstValue("x-request-id").orElse("");
        List<Long> events = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        String finish = null;
        String error = null;
        JsonNode usage = JSON.missingNode();
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            if (response.statusCode() != 200) {
                String whole = String.join("\n", reader.lines().toList());
                return new Answer(
                        id, "", null, usage, sent, events, System.nanoTime(), message(whole));
            }
            String line;
            while ((line = reader.readLine()) != null) {
                if (!line.startsWith("data: ") || line.equals("data: [DONE]")) {
                    continue;
                }
                JsonNode event = JSON.readTree(line.substring(6));
                if (event.has("error")) {
                    error = event.path("error").path("message").asString("error");
                    continue;
                }
                if (event.path("usage").isObject()) {
                    usage = event.path("usage");
                }
                JsonNode choice = event.path("choices").path(0);
                String delta = delta(choice);
                if (!delta.isEmpty()) {
                    events.add(System.nanoTime());
                    text.append(delta);
                    onText.accept(delta);
                }
                if (choice.path("finish_reason").isString()) {
                    finish = choice.path("finish_reason").asString();
                }
            }
        }
        return new Answer(
                id, text.toString(), finish, usage, sent, events, System.nanoTime(), error);
    }

    /** What an event adds: text, or a tool's name and pieces of its arguments. */
    private static String delta(JsonNode choice) {
        if (!choice.has("delta")) {
            return choice.path("text").asString("");
        }
        StringBuilder added = new StringBuilder(choice.path("delta").path("content").asString(""));
        for (JsonNode call : choice.path("delta").path("tool_calls")) {
            added.append(call.path("function").path("name").asString(""));
            added.append(call.path("function").path("arguments").asString(""));
        }
        return added.toString();
    }

    /** Reads a JSON document. */
    public JsonNode get(String path) throws IOException, InterruptedException {
        HttpResponse<String> response =
                http.send(request(path).GET().build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(
                    "GET %s: %d %s"
                            .formatted(path, response.statusCode(), message(response.body())));
        }
        return JSON.readTree(response.body());
    }

    /** Sends a JSON document and reads the answer. */
    public JsonNode post(String path, Map<String, ?> body)
            throws IOException, InterruptedException {
        HttpResponse<String> response =
                http.send(
                        request(path).POST(json(body)).build(),
                        HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(
                    "POST %s: %d %s"
                            .formatted(path, response.statusCode(), message(response.body())));
        }
        return JSON.readTree(response.body());
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder =
                HttpRequest.newBuilder(base.resolve(path))
                        .timeout(Duration.ofMinutes(10))
                        .header("Content-Type", "application/json");
        if (apiKey != null) {
            builder.header("Authorization", "Bearer " + apiKey);
        }
        return builder;
    }

    private static HttpRequest.BodyPublisher json(Map<String, ?> body) {
        return HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body));
    }

    private static String message(String body) {
        try {
            return JSON.readTree(body).path("error").path("message").asString(body);
        } catch (tools.jackson.core.JacksonException e) {
            return body;
        }
    }

    @Override
    public void close() {
        http.close();
    }
}

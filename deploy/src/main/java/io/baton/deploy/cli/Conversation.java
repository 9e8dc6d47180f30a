package io.baton.deploy.cli;

import io.baton.bench.client.OpenAiClient;
import io.baton.bench.client.OpenAiClient.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A conversation in the terminal: answers stream to stdout, what is said about them goes to stderr.
 */
final class Conversation {
    private final OpenAiClient client;
    private final String model;
    private final Map<String, Object> parameters;
    private final List<Map<String, String>> messages = new ArrayList<>();

    /**
     * @param parameters request fields such as {@code temperature}, sent with every turn
     * @param system the system message, null for none
     */
    Conversation(
            OpenAiClient client,
            String model,
            Map<String, Object> parameters,
            @Nullable String system) {
        this.client = client;
        this.model = model;
        this.parameters = Map.copyOf(parameters);
        if (system != null) {
            messages.add(Map.of("role", "system", "content", system));
        }
    }

    /**
     * Asks once and streams the answer; throws IOException with the server's message on an error.
     */
    Answer ask(String text, PrintStream out) throws IOException, InterruptedException {
        messages.add(Map.of("role", "user", "content", text));
        Map<String, Object> body = new LinkedHashMap<>(parameters);
        body.put("model", model);
        body.put("messages", messages);
        Answer answer =
                client.stream(
                        "/v1/chat/completions",
                        body,
                        delta -> {
                            out.print(delta);
                            out.flush();
                        });
        out.println();
        if (answer.error() != null) {
            messages.removeLast();
            throw new IOException(answer.error());
        }
        messages.add(Map.of("role", "assistant", "content", answer.text()));
        return answer;
    }

    /** Continues a plain text: for models without a chat template. */
    static Answer complete(
            OpenAiClient client, String model, Map<String, Object> parameters, String prompt)
            throws IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>(parameters);
        body.put("model", model);
        body.put("prompt", prompt);
        Answer answer = client.stream("/v1/completions", body, System.out::print);
        System.out.println();
        if (answer.error() != null) {
            throw new IOException(answer.error());
        }
        return answer;
    }

    /** Reads lines until the end of input, {@code /bye}, or Ctrl-C. */
    void loop(BufferedReader in, PrintStream out, PrintStream log)
            throws IOException, InterruptedException {
        while (true) {
            log.print("> ");
            log.flush();
            String line = in.readLine();
            if (line == null || line.strip().equals("/bye")) {
                return;
            }
            if (line.isBlank()) {
                continue;
            }
            try {
                log.println(figures(ask(line, out)));
            } catch (IOException e) {
                log.println("error: " + e.getMessage());
            }
        }
    }

    /** One line of figures about an answer. */
    static String figures(Answer answer) {
        return String.format(
                java.util.Locale.ROOT,
                "[%d prompt tokens, %d reused; %d tokens; first after %.0f ms; then %.1f tok/s]",
                answer.promptTokens(),
                answer.usage().path("prompt_tokens_details").path("cached_tokens").asInt(0),
                answer.completionTokens(),
                answer.ttftSeconds() * 1e3,
                1 / answer.tpotSeconds());
    }
}

package io.baton.bench.engine.child;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** A child's side of the exchange: answers every line until the input ends. */
public final class Lines {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lines() {}

    /** Answers one question. */
    @FunctionalInterface
    public interface Answerer {
        Map<String, Object> answer(JsonNode question) throws IOException;
    }

    /** Says hello, then answers until the end of the input. */
    public static void serve(Map<String, Object> hello, Answerer answerer) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println(JSON.writeValueAsString(hello));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answerer.answer(JSON.readTree(line))));
        }
    }
}

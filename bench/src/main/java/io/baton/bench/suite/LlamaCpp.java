package io.baton.bench.suite;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * llama.cpp as a peer, through the script {@code bench/oracle/llama_speed.py} and a Python that has
 * llama-cpp-python.
 */
final class LlamaCpp {
    private LlamaCpp() {}

    /** Speeds in tokens a second, one value a run. */
    record Speed(String version, double[] prefill, double[] decode) {}

    /** Measures it, or says on stderr why not. */
    static Optional<Speed> measure(String python, Path script, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new java.util.ArrayList<>(List.of(python, script.toString()));
        command.addAll(arguments);
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            System.err.println(
                    "llama.cpp could not be measured: exit status " + process.exitValue());
            return Optional.empty();
        }
        JsonNode node = new ObjectMapper().readTree(text.strip());
        return Optional.of(
                new Speed(
                        "llama-cpp-python " + node.path("version").asString(),
                        values(node.path("prefill")),
                        values(node.path("decode"))));
    }

    private static double[] values(JsonNode array) {
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.path(i).asDouble();
        }
        return values;
    }
}

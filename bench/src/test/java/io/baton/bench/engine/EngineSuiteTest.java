package io.baton.bench.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.frame.Results;
import io.baton.bench.frame.RunFacts;
import io.baton.bench.frame.SuiteContext;
import io.baton.common.model.TinyModel;
import io.baton.common.time.Pause;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The suite with the real processes of ours over a tiny model, and its arithmetic. */
class EngineSuiteTest {
    @TempDir private Path folder;

    @Test
    void everyCaseIsMeasuredAndAPeerThatDoesNotStartIsLeftOut() throws Exception {
        Path model = folder.resolve("tiny.gguf");
        TinyModel.llama().write(model);
        StringWriter lines = new StringWriter();
        run(
                lines,
                Map.of(
                        "models",
                        model.toString(),
                        "threads",
                        "2",
                        "prefill",
                        "40",
                        "decode",
                        "1,3",
                        "depth",
                        "20",
                        "steps",
                        "4",
                        "rounds",
                        "2",
                        "profile",
                        "true",
                        "foreign",
                        "true",
                        "llama-python",
                        "/bin/false"));
        Map<String, JsonNode> rows = new HashMap<>();
        for (String line : lines.toString().lines().toList()) {
            JsonNode row = new ObjectMapper().readTree(line);
            assertEquals("tiny t2", row.path("case").asString());
            rows.put(row.path("metric").asString(), row);
        }
        for (String metric :
                List.of(
                        "prefill 40",
                        "prefill 40 cpu",
                        "decode 1",
                        "decode 3",
                        "decode 3 share: outside the kernels",
                        "slowdown beside half a core of load",
                        "model load",
                        "peak memory",
                        "load average")) {
            JsonNode row = rows.get(metric);
            assertTrue(row != null && row.path("value").asDouble() >= 0, metric + ": " + row);
        }
        JsonNode decode = Objects.requireNonNull(rows.get("decode 3"));
        assertEquals(2, decode.path("runs").asInt());
        assertTrue(decode.path("value").asDouble() > 0);
        assertTrue(rows.keySet().stream().anyMatch(metric -> metric.startsWith("read bandwidth")));
        assertFalse(rows.keySet().stream().anyMatch(metric -> metric.contains("llama")));
    }

    @Test
    void aPeerThatEndsInTheMiddleIsLeftOutAndOursIsMeasured() throws Exception {
        Path model = folder.resolve("tiny.gguf");
        TinyModel.llama().write(model);
        Path peer = folder.resolve("peer");
        Files.writeString(
                peer,
                "#!/bin/sh\necho '{\"name\": \"fragile\", \"precision\": \"any\"}'\nread one\n");
        assertTrue(peer.toFile().setExecutable(true));
        StringWriter lines = new StringWriter();
        Map<String, String> options = new HashMap<>();
        options.put("models", model.toString());
        options.put("threads", "1");
        options.put("prefill", "40");
        options.put("decode", "2");
        options.put("depth", "20");
        options.put("steps", "4");
        options.put("rounds", "2");
        options.put("vllm-python", peer.toString());
        options.put("vllm-model", "any");
        options.put("vllm-beside", "tiny");
        run(lines, options);
        assertTrue(lines.toString().contains("\"decode 2\""), lines::toString);
        assertFalse(lines.toString().contains("fragile"), lines::toString);
    }

    private static void run(StringWriter lines, Map<String, String> options) throws Exception {
        PrintStream quiet =
                new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        RunFacts facts = new RunFacts("none", "some", "25", 0, "now");
        try (Results results = new Results(facts, lines, quiet)) {
            new EngineSuite(Path.of(""), Pause.system())
                    .run(
                            new SuiteContext(
                                    true,
                                    options,
                                    results,
                                    arguments -> {
                                        throw new IOException("no cluster is needed");
                                    }));
        }
    }

    @Test
    void anUnknownOptionIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> run(new StringWriter(), Map.of("modls", "x")));
    }

    @Test
    void goalsAreAgainstTheFastestPeerOrTheBandwidth() {
        Case one = new Case.Decode(1);
        long large = 1L << 30;
        // 1.1 times the peer, or three quarters of the bandwidth where that is less.
        assertEquals(OptionalDouble.of(1.1), Goals.ratio(one, 1, 100, large, 20));
        assertEquals(OptionalDouble.of(0.9375), Goals.ratio(one, 1, 100, large, 80));
        assertEquals(OptionalDouble.of(0.75), Goals.ratio(one, 1, 100, 1 << 20, 80));
        assertEquals(OptionalDouble.empty(), Goals.ratio(one, 2, 100, large, 80));
        assertEquals(
                OptionalDouble.of(1.2), Goals.ratio(new Case.Prefill(2048), 2, 100, large, 80));
        assertEquals(1.3 * 2 / 1.5, Goals.foreignSlowdown(2), 1e-12);
    }

    @Test
    void logitsOfAnotherModelAreFarAway() {
        List<Double> ours = List.of(1.0, 2.0, 3.0, 4.0);
        assertEquals(0, LogitsCheck.distance(ours, ours));
        assertTrue(LogitsCheck.isSame(LogitsCheck.distance(ours, List.of(1.1, 2.0, 2.9, 4.1))));
        assertFalse(LogitsCheck.isSame(LogitsCheck.distance(ours, List.of(4.0, 1.0, 2.0, 3.0))));
    }
}

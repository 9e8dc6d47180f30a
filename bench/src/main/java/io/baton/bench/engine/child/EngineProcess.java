package io.baton.bench.engine.child;

import io.baton.common.kv.KvDtype;
import io.baton.kernels.Activations;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Our engine as a subject: a model file, a provider and one transformer, no loop and no network.
 */
public final class EngineProcess {
    private EngineProcess() {}

    /**
     * Serves measurements.
     *
     * @param arguments {@code name=value}: model, threads, kernels, activations, kv-dtype,
     *     step-tokens, max-prefill, max-batch, max-decode
     */
    public static void main(String[] arguments) throws IOException {
        Map<String, String> given = new HashMap<>();
        for (String argument : arguments) {
            int at = argument.indexOf('=');
            given.put(argument.substring(0, at), argument.substring(at + 1));
        }
        EngineRun.Sizes sizes =
                new EngineRun.Sizes(
                        number(given, "step-tokens"),
                        number(given, "max-prefill"),
                        number(given, "max-batch"),
                        number(given, "max-decode"));
        EngineRun.Provider provider =
                new EngineRun.Provider(
                        Preference.valueOf(value(given, "kernels").toUpperCase(Locale.ROOT)),
                        Activations.named(value(given, "activations")),
                        number(given, "threads"),
                        KvDtype.valueOf(value(given, "kv-dtype").toUpperCase(Locale.ROOT)));
        try (EngineRun run = EngineRun.load(Path.of(value(given, "model")), provider, sizes)) {
            Map<String, Object> hello = new HashMap<>(run.facts());
            ProcessHandle.current()
                    .info()
                    .startInstant()
                    .ifPresent(
                            start ->
                                    hello.put(
                                            "startSeconds",
                                            Duration.between(start, Instant.now()).toMillis()
                                                    / 1e3));
            Lines.serve(hello, question -> answer(run, question));
        }
    }

    private static Map<String, Object> answer(EngineRun run, JsonNode question) throws IOException {
        String wanted = question.path("do").asString();
        return switch (wanted) {
            case "prefill" -> run.prefill(question.path("tokens").asInt());
            case "decode" ->
                    run.decode(
                            question.path("batch").asInt(),
                            question.path("depth").asInt(),
                            new EngineRun.Steps(
                                    question.path("minSteps").asInt(),
                                    question.path("maxSteps").asInt(),
                                    question.path("budgetSeconds").asDouble()));
            case "logits" ->
                    Map.of(
                            "logits",
                            run.logits(ints(question.path("tokens")), ints(question.path("ids"))));
            case "memory" -> run.memory();
            default -> throw new IOException("unknown question " + wanted);
        };
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.path(i).asInt();
        }
        return values;
    }

    private static int number(Map<String, String> given, String name) {
        return Integer.parseInt(value(given, name));
    }

    private static String value(Map<String, String> given, String name) {
        String value = given.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + "=... is wanted");
        }
        return value;
    }
}

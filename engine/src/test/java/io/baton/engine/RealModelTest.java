package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.Constraint;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.grammar.Grammars;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.GgufFile;
import io.baton.common.model.ModelStore;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.time.Ticker;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * A real model answers a real question, in both providers. Looked for in the folder {@code
 * baton.models.dir} (system property), {@code BATON_MODELS_DIR} (environment) or the user's cache;
 * skipped, saying so, where it is not.
 */
class RealModelTest {
    private static final String PROMPT =
            """
            <|im_start|>system
            You are a helpful AI assistant.<|im_end|>
            <|im_start|>user
            What is the capital of France?<|im_end|>
            <|im_start|>assistant
            """;

    private static Path smolLm2() throws IOException {
        String folder =
                System.getProperty(
                        "baton.models.dir", System.getenv().getOrDefault("BATON_MODELS_DIR", ""));
        Path place =
                folder.isEmpty()
                        ? ModelStore.ofUser(
                                        System.getenv(), Path.of(System.getProperty("user.home")))
                                .folder()
                        : Path.of(folder);
        Assumptions.assumeTrue(
                Files.isDirectory(place), "no real model is tested: no folder " + place);
        try (Stream<Path> files = Files.walk(place, 5)) {
            List<Path> found =
                    files.filter(RealModelTest::isSmolLm2).filter(Files::isRegularFile).toList();
            Assumptions.assumeFalse(
                    found.isEmpty(), "no real model is tested: no SmolLM2 in " + place);
            return found.getFirst();
        }
    }

    private static boolean isSmolLm2(Path path) {
        String name = path.getFileName().toString().toLowerCase(java.util.Locale.ROOT);
        return name.contains("smollm2") && name.endsWith(".gguf");
    }

    @Test
    void smolLm2KnowsTheCapitalOfFrance() throws IOException, InterruptedException {
        try (GgufFile file = GgufFile.open(smolLm2())) {
            Tokenizer tokenizer = Tokenizers.of(file);
            int[] prompt = tokenizer.encode(PromptText.trusted(PROMPT), true);
            int end = (int) file.integer("tokenizer.ggml.eos_token_id").orElseThrow();
            for (Preference provider : List.of(Preference.REFERENCE, Preference.AUTO)) {
                Outcome outcome = answer(file, provider, prompt, end);
                assertNull(outcome.error());
                assertEquals(FinishReason.STOP, outcome.reason());
                assertEquals(
                        "The capital of France is Paris.",
                        text(tokenizer, outcome.ids().subList(0, outcome.ids().size() - 1)));
            }
        }
    }

    private static final Constraint CITY =
            new Constraint(
                    Constraint.Kind.JSON_SCHEMA,
                    """
                    {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 30},
                      "inhabitants": {"type": "integer", "minimum": 1},
                      "rivers": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 3}},
                     "required": ["name", "inhabitants", "rivers"], "additionalProperties": false}
                    """);

    /** At full temperature, where the small model alone hardly ever writes JSON. */
    @Test
    void answersUnderASchemaAreValid() throws IOException, InterruptedException {
        try (GgufFile file = GgufFile.open(smolLm2());
                Kernels kernels = KernelsProviders.choose(Preference.AUTO, 2)) {
            Tokenizer tokenizer = Tokenizers.of(file);
            Grammars grammars = Grammars.of(tokenizer);
            int[] prompt = tokenizer.encode(PromptText.trusted(PROMPT), true);
            int end = (int) file.integer("tokenizer.ggml.eos_token_id").orElseThrow();
            try (EngineLoop loop =
                    EngineLoops.start(
                            EngineOptions.of("real-model", 200, KvDtype.BF16, 256),
                            ModelWeights.load(kernels, file),
                            kernels,
                            new Language(Set.of(end), grammars),
                            Ticker.system())) {
                List<SequenceSpec> specs = new ArrayList<>();
                for (int seed = 0; seed < 6; seed++) {
                    SamplingParams params =
                            new SamplingParams(
                                    160, 0, 1f, 0, 1f, 0f, 0f, 0f, 1f, Map.of(), seed, List.of(),
                                    Set.of(), false, false, true, -1, -1, null, Set.of());
                    specs.add(Specs.spec("city" + seed, prompt, params.withConstraint(CITY)));
                }
                for (Outcome outcome : Rig.serve(loop, specs)) {
                    assertNull(outcome.error());
                    assertEquals(FinishReason.STOP, outcome.reason());
                    List<Integer> ids = outcome.ids().subList(0, outcome.ids().size() - 1);
                    String text = text(tokenizer, ids);
                    assertTrue(grammars.compile(CITY, "test").accepts(text), text);
                }
            }
        }
    }

    private static Outcome answer(GgufFile file, Preference provider, int[] prompt, int end)
            throws InterruptedException {
        try (Kernels kernels = KernelsProviders.choose(provider, 2);
                EngineLoop loop =
                        EngineLoops.start(
                                EngineOptions.of("real-model", 16, KvDtype.BF16, 256),
                                ModelWeights.load(kernels, file),
                                kernels,
                                new Language(Set.of(end), Grammars.of(Tokenizers.of(file))),
                                Ticker.system())) {
            return Rig.serve(loop, Specs.greedy("france", prompt, 20));
        }
    }

    private static String text(Tokenizer tokenizer, List<Integer> tokens) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        tokens.forEach(token -> bytes.writeBytes(tokenizer.bytes(token)));
        return bytes.toString(StandardCharsets.UTF_8);
    }
}

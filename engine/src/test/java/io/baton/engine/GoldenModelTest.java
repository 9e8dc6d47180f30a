package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.kv.KvDtype;
import io.baton.common.model.GgufFile;
import io.baton.common.testkit.RealModels;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * The real models against golden files that transformers made in float32 from the same GGUF files
 * (bench/oracle/model_golden.py). A few prompts here; {@code baton bench logits} runs all of them.
 */
class GoldenModelTest {
    private static final int PROMPTS = 4;
    private static final int TOKENS = 16;

    /** Greedy tokens may part where the two best float32 logits are nearer than this. */
    private static final double TIE = 2e-2;

    @ParameterizedTest
    @CsvSource({
        "smollm2-135m, REFERENCE, F32, 1e-2, 2e-2",
        "smollm2-135m, AUTO, BF16, 0.3, 0.1",
        "gemma3-270m, REFERENCE, F32, 1e-2, 2e-2",
        "gemma3-270m, AUTO, BF16, 0.3, 0.1"
    })
    void logitsAndGreedyTokens(
            String model, Preference kernels, KvDtype dtype, double tolerance, double gap)
            throws IOException {
        JsonNode cases = golden(model);
        try (GgufFile file = GgufFile.open(RealModels.require(model));
                Kernels provider = KernelsProviders.choose(kernels, 2)) {
            ModelWeights weights = ModelWeights.load(provider, file);
            for (int i = 0; i < PROMPTS; i++) {
                JsonNode golden = cases.path(i * 25);
                check(golden, weights, provider, new Limits(dtype, tolerance, gap));
            }
        }
    }

    private record Limits(KvDtype dtype, double tolerance, double gap) {}

    private static void check(
            JsonNode golden, ModelWeights weights, Kernels kernels, Limits limits) {
        int prompt = golden.path("prompt").size();
        int[] text = new int[prompt + TOKENS - 1];
        for (int i = 0; i < text.length; i++) {
            text[i] =
                    i < prompt
                            ? golden.path("prompt").path(i).asInt()
                            : golden.path("tokens").path(i - prompt).asInt();
        }
        try (LogitsProbe probe = new LogitsProbe(weights, kernels, limits.dtype(), text.length)) {
            probe.run(
                    text,
                    (position, logits) -> {
                        int step = position - (prompt - 1);
                        if (step == 0) {
                            compare(golden.path("first"), logits, limits.tolerance());
                        }
                        if (step >= 0) {
                            double topGap = golden.path("gaps").path(step).asDouble();
                            assertTrue(
                                    argmax(logits) == golden.path("tokens").path(step).asInt()
                                            || topGap <= Math.max(TIE, limits.gap()),
                                    "token %d differs at a gap of %f".formatted(step, topGap));
                        }
                    });
        }
    }

    private static void compare(JsonNode pairs, MemorySegment logits, double tolerance) {
        for (JsonNode pair : pairs) {
            float ours = logits.getAtIndex(ValueLayout.JAVA_FLOAT, pair.path(0).asInt());
            double theirs = pair.path(1).asDouble();
            assertTrue(
                    Math.abs(ours - theirs) <= tolerance,
                    "logit of %d: %f, transformers %f"
                            .formatted(pair.path(0).asInt(), ours, theirs));
        }
    }

    private static int argmax(MemorySegment logits) {
        int best = 0;
        for (int i = 1; i < logits.byteSize() / Float.BYTES; i++) {
            if (logits.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                    > logits.getAtIndex(ValueLayout.JAVA_FLOAT, best)) {
                best = i;
            }
        }
        return best;
    }

    private static JsonNode golden(String model) throws IOException {
        try (InputStream in =
                GoldenModelTest.class.getResourceAsStream("/golden/" + model + ".json.gz")) {
            return new ObjectMapper().readTree(new GZIPInputStream(in)).path("cases");
        }
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.GgufFile;
import io.baton.common.model.ModelFile;
import io.baton.common.model.TensorType;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every family and every RoPE scaling against transformers in float32, on both providers. */
class FamilyGoldenTest {
    /** Of the largest logit; float32 sums in another order differ by about 1e-6. */
    private static final double TOLERANCE = 1e-4;

    private static final List<Preference> PROVIDERS =
            List.of(Preference.REFERENCE, Preference.AUTO);

    static Stream<FamilyCase> gguf() {
        // GGUF has no keys for Qwen 2's windows.
        return FamilyCase.all().stream().filter(one -> !one.name().equals("qwen2-window"));
    }

    @ParameterizedTest
    @MethodSource("gguf")
    void ggufGivesTransformersLogits(FamilyCase model) {
        try (GgufFile file = GgufFile.ofBytes(FamilyGguf.of(model))) {
            assertGolden(model, file);
        }
    }

    static Stream<FamilyCase> all() {
        return FamilyCase.all().stream();
    }

    @ParameterizedTest
    @MethodSource("all")
    void checkpointFoldersGiveTransformersLogits(FamilyCase model, @TempDir Path folder)
            throws IOException {
        FamilyFolder.write(model, folder, TensorType.F32);
        try (ModelFile file = ModelFiles.open(folder)) {
            assertGolden(model, file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "phi3-longrope-long", "qwen2"})
    void halfPrecisionIsWidenedExactly(String name, @TempDir Path half, @TempDir Path whole)
            throws IOException {
        FamilyCase model = FamilyCase.named(name);
        for (TensorType type : List.of(TensorType.BF16, TensorType.F16)) {
            FamilyFolder.write(model, half, type);
            FamilyFolder.writeRounded(model, whole, type);
            try (ModelFile halves = ModelFiles.open(half);
                    ModelFile floats = ModelFiles.open(whole)) {
                for (Preference provider : PROVIDERS) {
                    List<float[]> expected = logits(model, floats, provider);
                    List<float[]> ours = logits(model, halves, provider);
                    for (int i = 0; i < expected.size(); i++) {
                        assertTrue(
                                relativeError(expected.get(i), ours.get(i)) <= 1e-6,
                                name + " in " + type + ", " + provider);
                    }
                }
            }
        }
    }

    @Test
    void shardsGiveTheSameLogits(@TempDir Path folder) throws IOException {
        FamilyCase model = FamilyCase.named("qwen3");
        FamilyFolder.writeSharded(model, folder);
        try (ModelFile file = ModelFiles.open(folder)) {
            assertGolden(model, file);
        }
    }

    static void assertGolden(FamilyCase model, ModelFile file) {
        for (Preference provider : PROVIDERS) {
            List<float[]> ours = logits(model, file, provider);
            for (int i = 0; i < ours.size(); i++) {
                double error = relativeError(model.logits(i), ours.get(i));
                assertTrue(
                        error <= TOLERANCE,
                        "%s, %s, position %d: relative error %g"
                                .formatted(model, provider, model.positions()[i], error));
            }
        }
    }

    static List<float[]> logits(FamilyCase model, ModelFile file, Preference provider) {
        int[] tokens = model.tokens();
        List<float[]> logits = new ArrayList<>();
        try (Kernels kernels = KernelsProviders.choose(provider, 2)) {
            ModelWeights weights = ModelWeights.load(kernels, file, model.served());
            try (LogitsProbe probe =
                    new LogitsProbe(weights, kernels, KvDtype.F32, tokens.length)) {
                probe.run(
                        tokens,
                        (position, row) -> {
                            if (Arrays.stream(model.positions()).anyMatch(p -> p == position)) {
                                logits.add(row.toArray(ValueLayout.JAVA_FLOAT));
                            }
                        });
            }
        }
        return logits;
    }

    private static double relativeError(float[] expected, float[] actual) {
        double largest = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(expected[i] - actual[i]));
        }
        return error / largest;
    }
}

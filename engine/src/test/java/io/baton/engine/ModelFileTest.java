package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufFile;
import io.baton.common.model.TinyModel;
import io.baton.kernels.KernelQueue.Activation;
import io.baton.kernels.Kernels;
import io.baton.kernels.reference.ReferenceKernels;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From a file to a model's shape and weights, and what a bad file is told. */
class ModelFileTest {
    private final Kernels kernels = new ReferenceKernels(1, "test");

    @AfterEach
    void close() {
        kernels.close();
    }

    private static ModelConfig config(TinyModel model) {
        try (GgufFile file = GgufFile.ofBytes(model.toBytes())) {
            return ModelConfigs.read(file);
        }
    }

    @Test
    void readsALlama() {
        ModelConfig config = config(TinyModel.llama());
        assertEquals("llama", config.family());
        assertEquals(4, config.layers());
        assertEquals(16, config.headDim());
        assertEquals(0.25f, config.attention().scale());
        assertEquals(1f, config.embeddingScale());
        assertEquals(Activation.SILU, config.activation());
        assertTrue(config.rope().interleaved());
        assertFalse(config.head().tied());
        assertFalse(config.isLocal(0));
        assertTrue(config(TinyModel.llama().withTiedHead(true)).head().tied());
    }

    @Test
    void readsAGemma3() {
        ModelConfig config = config(TinyModel.gemma3());
        assertEquals(8f, config.embeddingScale());
        assertEquals(24, config.attention().window());
        assertEquals(Activation.GELU_TANH, config.activation());
        assertTrue(config.attention().qkNorm() && config.postNorms() && config.head().tied());
        assertFalse(config.rope().interleaved());
        assertEquals(10000f, config.localRope().theta());
        for (int layer = 0; layer < 6; layer++) {
            assertEquals(layer != 5, config.isLocal(layer));
        }
    }

    /** The file's bytes with one string replaced everywhere by another of the same length. */
    private static byte[] replaced(TinyModel model, String from, String to) {
        assertEquals(from.length(), to.length());
        byte[] bytes = model.toBytes();
        byte[] old = from.getBytes(StandardCharsets.UTF_8);
        byte[] fresh = to.getBytes(StandardCharsets.UTF_8);
        int hits = 0;
        for (int i = 0; i + old.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + old.length, old, 0, old.length)) {
                System.arraycopy(fresh, 0, bytes, i, fresh.length);
                hits++;
            }
        }
        assertTrue(hits > 0, from);
        return bytes;
    }

    private String refusal(byte[] bytes) {
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            BatonException error =
                    assertThrows(BatonException.class, () -> ModelWeights.load(kernels, file));
            assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code());
            return error.text();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llama.block_count, llama.xlock_count, llama.block_count",
        "llama.embedding_length, llama.embedding_lengtx, llama.embedding_length",
        "llama.attention.layer_norm_rms_epsilon, llama.attention.layer_norm_rms_epsilox,"
                + " llama.attention.layer_norm_rms_epsilon",
        "blk.2.ffn_down.weight, blk.2.ffn_dowx.weight, blk.2.ffn_down.weight",
        "output_norm.weight, output_nork.weight, output_norm.weight",
        "blk.3.attn_q.weight, blk.9.attn_q.weight, blk.3.attn_q.weight",
    })
    void whatIsMissingIsNamed(String from, String to, String named) {
        String message = refusal(replaced(TinyModel.llama(), from, to));
        assertTrue(message.contains("'" + named + "' is missing"), message);
    }

    @Test
    void anUnknownArchitectureIsNamedWithTheOnesThatRun() {
        byte[] bytes = replaced(TinyModel.llama(), "llama", "mamba");
        String message = refusal(bytes);
        assertTrue(message.contains("'mamba'") && message.contains("gemma3"), message);
    }

    @Test
    void aTensorOfAnotherShapeIsNamedWithBothShapes() {
        // Swapping two names gives each the other's shape.
        byte[] bytes =
                replaced(TinyModel.llama(), "blk.1.ffn_gate.weight", "blk.1.xxx_gate.weight");
        bytes = renamed(bytes, "blk.1.ffn_down.weight", "blk.1.ffn_gate.weight");
        bytes = renamed(bytes, "blk.1.xxx_gate.weight", "blk.1.ffn_down.weight");
        String message = refusal(bytes);
        assertTrue(message.contains("'blk.1.ffn_gate.weight'"), message);
        assertTrue(message.contains("[64, 128]") && message.contains("[128, 64]"), message);
    }

    private static byte[] renamed(byte[] bytes, String from, String to) {
        byte[] old = from.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i + old.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + old.length, old, 0, old.length)) {
                System.arraycopy(to.getBytes(StandardCharsets.UTF_8), 0, bytes, i, old.length);
            }
        }
        return bytes;
    }

    @Test
    void aTensorWithoutAPlaceIsRefusedRatherThanPassedOver() {
        // An untied head's tensor under a name that the family does not know.
        // The length before it tells it from attn_output.weight.
        String length = "\15\0\0\0\0\0\0\0";
        byte[] bytes =
                replaced(TinyModel.llama(), length + "output.weight", length + "outpux.weight");
        String message = refusal(bytes);
        assertTrue(message.contains("has no place"), message);
    }

    private String refused(FamilyCase model, String from, String to) {
        byte[] bytes = FamilyGguf.of(model);
        byte[] changed = renamed(bytes, from, to);
        assertFalse(Arrays.equals(FamilyGguf.of(model), changed), from);
        return refusal(changed);
    }

    @Test
    void whatAFamilyNeedsIsNamed() {
        FamilyCase qwen = FamilyCase.named("qwen2-yarn");
        assertTrue(
                refused(qwen, "blk.1.attn_k.bias", "blk.1.attn_k.bits")
                        .contains("'blk.1.attn_k.bias' is missing"));
        assertTrue(
                refused(qwen, "\4\0\0\0\0\0\0\0yarn", "\4\0\0\0\0\0\0\0ntk?")
                        .contains("RoPE scaling 'ntk?'"));
        assertTrue(
                refused(qwen, "scaling.original_context_length", "scaling.originax_context_length")
                        .contains("original_context_length' is missing"));
        FamilyCase phi = FamilyCase.named("phi3-longrope-long");
        assertTrue(
                refused(phi, "rope_factors_long.weight", "rope_factors_lonx.weight")
                        .contains("'rope_factors_long.weight' is missing"));
        assertTrue(
                refused(phi, "rope_factors_short.weight", "rope_factors_shorx.weight")
                        .contains("attn_factor"));
        assertTrue(
                refused(phi, "blk.1.attn_qkv.weight", "blk.1.attn_qqq.weight")
                        .contains("'blk.1.attn_q.weight' is missing"));
        FamilyCase gemma = FamilyCase.named("gemma2");
        assertTrue(
                refused(gemma, "attention.sliding_window", "attention.sliding_windox")
                        .contains("sliding_window' is missing"));
    }

    @Test
    void longRopeChoosesItsListByTheServedLengthAndSaysSoInTheFingerprint() {
        try (GgufFile phi =
                GgufFile.ofBytes(FamilyGguf.of(FamilyCase.named("phi3-longrope-long")))) {
            ModelConfig config = ModelConfigs.read(phi);
            String own = ModelRuntime.fingerprint("f", config, 0);
            assertEquals(own, ModelRuntime.fingerprint("f", config, 17));
            assertNotEquals(own, ModelRuntime.fingerprint("f", config, 16));
            float[] turns = ModelWeights.load(kernels, phi, 17).ropeTables(8).global().cos();
            float[] others = ModelWeights.load(kernels, phi, 16).ropeTables(8).global().cos();
            assertFalse(Arrays.equals(turns, others));
        }
        assertEquals("f", ModelRuntime.fingerprint("f", config(TinyModel.llama()), 16));
    }

    @Test
    void ropeTablesAreSharedUntilMorePositionsAreNeeded() {
        try (GgufFile file = GgufFile.ofBytes(TinyModel.gemma3().toBytes())) {
            ModelWeights weights = ModelWeights.load(kernels, file);
            ModelWeights.RopeTables tables = weights.ropeTables(100);
            assertSame(tables, weights.ropeTables(50));
            assertNotSame(tables.global(), tables.local());
            ModelWeights.RopeTables longer = weights.ropeTables(200);
            assertEquals(200, longer.global().positions());
            assertEquals(tables.global().cos()[99 * 16 + 3], longer.global().cos()[99 * 16 + 3]);
        }
        try (GgufFile file = GgufFile.ofBytes(TinyModel.llama().toBytes())) {
            ModelWeights.RopeTables tables = ModelWeights.load(kernels, file).ropeTables(10);
            assertSame(tables.global(), tables.local());
        }
    }
}

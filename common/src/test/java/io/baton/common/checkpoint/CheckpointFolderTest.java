package io.baton.common.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingChoice;
import io.baton.common.model.GgufFile;
import io.baton.common.model.ModelFile;
import io.baton.common.model.ModelStore;
import io.baton.common.model.SamplingKeys;
import io.baton.common.model.TensorType;
import io.baton.common.testkit.Safetensors;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoint folders: what is read from which file, and what a wrong folder is told. */
class CheckpointFolderTest {
    private static final String CONFIG =
            """
            {"model_type":"gemma2","architectures":["Gemma2ForCausalLM"],"hidden_size":4,
             "num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":2,
             "intermediate_size":8,"vocab_size":300,"max_position_embeddings":64,
             "rms_norm_eps":1e-6,"hidden_activation":"gelu_pytorch_tanh","sliding_window":16,
             "query_pre_attn_scalar":4,"attn_logit_softcapping":null,"rope_theta":10000.0,
             "eos_token_id":[257,258]}
            """;

    @TempDir Path folder = Path.of("");

    @BeforeEach
    void write() throws IOException {
        text("config.json", CONFIG);
        text("tokenizer.json", Safetensors.byteTokenizer());
        Files.write(folder.resolve("model.safetensors"), Safetensors.of(List.of(norm(0), table())));
    }

    private static Safetensors.Tensor norm(int layer) {
        return new Safetensors.Tensor(
                "model.layers." + layer + ".input_layernorm.weight",
                TensorType.BF16,
                new int[] {4},
                new float[] {0, 0.5f, -0.5f, 1});
    }

    private static Safetensors.Tensor table() {
        return new Safetensors.Tensor(
                "model.embed_tokens.weight", TensorType.F32, new int[] {300, 4}, new float[1200]);
    }

    private void text(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static int count(ModelFile file, String key) {
        return (int) file.integer(key).orElseThrow();
    }

    @Test
    void aFolderIsAModelUnderGgufsNames() {
        try (ModelFile file = ModelFiles.open(folder)) {
            assertEquals("gemma2", file.architecture());
            assertEquals(2, count(file, "gemma2.block_count"));
            assertEquals(16, count(file, "gemma2.attention.sliding_window"));
            assertArrayEquals(new int[] {0}, file.ints(ModelFile.LOCAL_LAYERS).orElseThrow());
            assertEquals(0.5, file.number("gemma2.attention.scale").orElseThrow());
            // Null turns a cap off, a missing one has the family's default.
            assertEquals(0, file.number("gemma2.attn_logit_softcapping").orElseThrow());
            assertEquals(30, file.number("gemma2.final_logit_softcapping").orElseThrow());
            assertArrayEquals(
                    new float[] {1, 1.5f, 0.5f, 2},
                    file.require("blk.0.attn_norm.weight").data().toArray(ValueLayout.JAVA_FLOAT));
            assertEquals(300, file.require("token_embd.weight").rows());
            BatonException error =
                    assertThrows(BatonException.class, () -> file.require("blk.1.attn_q.weight"));
            assertTrue(
                    error.text().contains("'model.layers.1.self_attn.q_proj.weight' is missing"));
        }
    }

    @Test
    void tokenizerTemplateAndEndsGoWithTheTextArtifact() throws IOException {
        text("tokenizer_config.json", "{\"bos_token\":\"<s>\",\"chat_template\":\"old\"}");
        text("generation_config.json", "{\"eos_token_id\":256}");
        text("chat_template.jinja", "{{ messages[0].content }}");
        try (ModelFile file = ModelFiles.open(folder);
                GgufFile text = GgufFile.ofBytes(file.textArtifact())) {
            assertEquals(
                    "{{ messages[0].content }}",
                    text.string("tokenizer.chat_template").orElseThrow());
            Tokenizer tokenizer = Tokenizers.of(text);
            assertEquals(300, tokenizer.vocabSize());
            assertTrue(tokenizer.isEndOfGeneration(256));
            assertEquals(2, tokenizer.encode(PromptText.trusted("Hi"), true).length);
        }
    }

    @Test
    void recommendedSamplingGoesWithTheTextArtifact() throws IOException {
        text(
                "generation_config.json",
                """
                {"eos_token_id": 256, "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95,
                 "min_p": null, "repetition_penalty": 1.05}
                """);
        try (ModelFile file = ModelFiles.open(folder);
                GgufFile text = GgufFile.ofBytes(file.textArtifact())) {
            assertEquals(
                    new SamplingChoice(
                            OptionalDouble.of(0.6f),
                            OptionalInt.of(20),
                            OptionalDouble.of(0.95f),
                            OptionalDouble.empty(),
                            OptionalDouble.of(1.05f)),
                    SamplingKeys.of(text));
        }
        text("generation_config.json", "{\"top_k\": -1}");
        try (ModelFile file = ModelFiles.open(folder);
                GgufFile text = GgufFile.ofBytes(file.textArtifact())) {
            assertEquals(SamplingChoice.NONE, SamplingKeys.of(text));
        }
        text("generation_config.json", "{\"top_p\": 1.5}");
        try (ModelFile file = ModelFiles.open(folder);
                GgufFile text = GgufFile.ofBytes(file.textArtifact())) {
            assertTrue(
                    assertThrows(BatonException.class, () -> SamplingKeys.of(text))
                            .text()
                            .contains("general.sampling.top_p = 1.5"));
        }
        text("generation_config.json", "{\"temperature\": \"hot\"}");
        assertThrows(BatonException.class, () -> ModelFiles.open(folder));
    }

    @Test
    void everyFileThatWasReadIsPartOfTheFingerprint() throws IOException {
        String first = fingerprint();
        assertEquals(first, fingerprint());
        text("generation_config.json", "{}");
        String second = fingerprint();
        assertNotEquals(first, second);
        text("config.json", CONFIG.replace("10000.0", "10001.0"));
        String third = fingerprint();
        assertNotEquals(second, third);
        byte[] weights = Files.readAllBytes(folder.resolve("model.safetensors"));
        weights[weights.length - 1] = 1;
        Files.write(folder.resolve("model.safetensors"), weights);
        assertNotEquals(third, fingerprint());
    }

    private String fingerprint() {
        try (ModelFile file = ModelFiles.open(folder)) {
            return file.fingerprint();
        }
    }

    private void shards(String index) throws IOException {
        Files.delete(folder.resolve("model.safetensors"));
        Files.write(folder.resolve("a.safetensors"), Safetensors.of(List.of(table())));
        Files.write(folder.resolve("b.safetensors"), Safetensors.of(List.of(norm(0), norm(1))));
        text("model.safetensors.index.json", index);
    }

    private static final String INDEX =
            "{\"weight_map\":{\"model.embed_tokens.weight\":\"a.safetensors\","
                    + "\"model.layers.0.input_layernorm.weight\":\"b.safetensors\","
                    + "\"model.layers.1.input_layernorm.weight\":\"b.safetensors\"}}";

    @Test
    void shardsAreOneModel() throws IOException {
        shards(INDEX);
        try (ModelFile file = ModelFiles.open(folder)) {
            assertEquals(3, file.tensors().size());
        }
        String before = fingerprint();
        Files.write(folder.resolve("b.safetensors"), Safetensors.of(List.of(norm(1), norm(0))));
        assertNotEquals(before, fingerprint());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "a.safetensors ~ ../a.safetensors ~ '../a.safetensors' is no name of a shard",
                "a.safetensors ~ /a.safetensors ~ no name of a shard",
                "a.safetensors ~ .a.safetensors ~ no name of a shard",
                "a.safetensors ~ config.json ~ no name of a shard",
                "a.safetensors ~ c.safetensors ~ c.safetensors",
                "a.safetensors ~ b.safetensors ~ 'model.embed_tokens.weight' is not in 'b.safetensors'",
                "layers.1 ~ layers.7 ~ 'model.layers.7.input_layernorm.weight' is not in",
                "weight_map ~ weights ~ it has no weight_map",
                "layers.1 ~ layers.0 ~ not valid JSON",
            })
    void hostileIndexesAreNamed(String from, String to, String named) throws IOException {
        shards(INDEX.replace(from, to));
        assertRefused(named);
    }

    @Test
    void aShardsTensorThatTheIndexPassesOverIsNamed() throws IOException {
        shards(INDEX.replace(",\"model.layers.1.input_layernorm.weight\":\"b.safetensors\"", ""));
        assertRefused("it does not name tensor 'model.layers.1.input_layernorm.weight'");
    }

    private void assertRefused(String named) {
        BatonException error =
                assertThrows(BatonException.class, () -> ModelFiles.open(folder).close());
        assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code(), error.text());
        assertTrue(error.text().contains(named), error.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "gemma2\", ~ mamba\", ~ model_type 'mamba'",
                "Gemma2ForCausalLM ~ Gemma2ForTokenClassification ~ 'Gemma2ForTokenClassification'",
                "gelu_pytorch_tanh ~ relu ~ hidden_activation 'relu'",
                "\"hidden_size\":4, ~ ` ` ~ 'hidden_size' is missing",
                "\"hidden_size\":4 ~ \"hidden_size\":-4 ~ 'hidden_size' is not a whole number",
                "\"vocab_size\":300 ~ \"vocab_size\":2000000000 ~ 'vocab_size' is 2000000000",
                "\"vocab_size\":300 ~ \"vocab_size\":200 ~ vocabulary has 200",
                "\"head_dim\":2 ~ \"head_dim\":2000000000 ~ heads have 2000000000",
                "\"rope_theta\" ~ \"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2},\"rope_theta\" ~ RoPE scaling 'dynamic'",
                "\"rope_theta\" ~ \"rope_scaling\":{\"rope_type\":\"llama3\"},\"rope_theta\" ~ factor",
                "\"rope_theta\" ~ \"quantization_config\":{},\"rope_theta\" ~ quantization_config",
                "\"rope_theta\" ~ \"attention_bias\":true,\"rope_theta\" ~ attention_bias",
                "\"rope_theta\" ~ \"partial_rotary_factor\":0.5,\"rope_theta\" ~ partial_rotary_factor",
                "\"rope_theta\" ~ \"layer_types\":[\"full_attention\"],\"rope_theta\" ~ layer_types",
                "\"rope_theta\" ~ \"layer_types\":[\"full_attention\",\"mamba\"],\"rope_theta\" ~ layer_types 'mamba'",
                "10000.0 ~ 0 ~ rope_theta is 0.0",
                "[257,258] ~ [257,300] ~ 'eos_token_id' is no id",
                "[257,258]} ~ 1 ~ not valid JSON",
            })
    void hostileConfigurationsAreNamed(String from, String to, String named) throws IOException {
        assertTrue(CONFIG.contains(from), from);
        text("config.json", CONFIG.replace(from, to));
        assertRefused(named);
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        Files.delete(folder.resolve("tokenizer.json"));
        assertRefused("no tokenizer.json");
        Files.delete(folder.resolve("model.safetensors"));
        assertRefused("neither model.safetensors nor");
        Files.delete(folder.resolve("config.json"));
        assertRefused("no config.json");
    }

    @Test
    void aTensorWithoutAPlaceIsNamed() throws IOException {
        Safetensors.Tensor odd =
                new Safetensors.Tensor(
                        "blk.0.attn_q.weight", TensorType.F32, new int[] {1}, new float[1]);
        Files.write(folder.resolve("model.safetensors"), Safetensors.of(List.of(table(), odd)));
        assertRefused("'blk.0.attn_q.weight' has no place");
    }

    @Test
    void theStoreFindsAFolderByItsConfiguration() throws IOException {
        ModelStore store = new ModelStore(folder.resolve("store"));
        var found = store.resolve(folder.toString());
        assertEquals(folder, found.path());
        assertEquals(folder.getFileName().toString(), found.name());
        assertEquals(Files.size(folder.resolve("model.safetensors")), found.bytes());
        Files.delete(folder.resolve("config.json"));
        BatonException error =
                assertThrows(BatonException.class, () -> store.resolve(folder.toString()));
        assertEquals(ErrorCode.MODEL_NOT_FOUND, error.code());
    }
}

package io.baton.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.client.OpenAiClient;
import io.baton.common.model.TensorType;
import io.baton.common.testkit.Safetensors;
import io.baton.deploy.cli.UpProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code up --model FOLDER}: a checkpoint folder is served through prefiller and decoder. */
class CheckpointServeTest {
    private static final int HIDDEN = 32;
    private static final int VOCAB = 259;

    /** Longer than what a decoder prefills by itself. */
    private static final String PROMPT =
            "The KV of this prompt goes from one role to another. ".repeat(3);

    private static void write(Path folder) throws IOException {
        Files.writeString(
                folder.resolve("config.json"),
                """
                {"model_type":"qwen3","architectures":["Qwen3ForCausalLM"],"hidden_size":32,
                 "num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,
                 "head_dim":16,"intermediate_size":48,"vocab_size":259,"rms_norm_eps":1e-6,
                 "max_position_embeddings":512,"tie_word_embeddings":true,"rope_theta":10000,
                 "hidden_act":"silu","eos_token_id":258}
                """);
        Files.writeString(folder.resolve("tokenizer.json"), Safetensors.byteTokenizer());
        Files.writeString(
                folder.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}");
        Files.write(folder.resolve("model.safetensors"), Safetensors.of(tensors()));
    }

    private static List<Safetensors.Tensor> tensors() {
        SplittableRandom random = new SplittableRandom(5);
        List<Safetensors.Tensor> all = new ArrayList<>();
        all.add(tensor("model.embed_tokens.weight", random, VOCAB, HIDDEN));
        all.add(tensor("model.norm.weight", random, HIDDEN));
        for (int layer = 0; layer < 2; layer++) {
            String at = "model.layers." + layer + ".";
            all.add(tensor(at + "input_layernorm.weight", random, HIDDEN));
            all.add(tensor(at + "post_attention_layernorm.weight", random, HIDDEN));
            all.add(tensor(at + "self_attn.q_norm.weight", random, 16));
            all.add(tensor(at + "self_attn.k_norm.weight", random, 16));
            all.add(tensor(at + "self_attn.q_proj.weight", random, 32, HIDDEN));
            all.add(tensor(at + "self_attn.k_proj.weight", random, 16, HIDDEN));
            all.add(tensor(at + "self_attn.v_proj.weight", random, 16, HIDDEN));
            all.add(tensor(at + "self_attn.o_proj.weight", random, HIDDEN, 32));
            all.add(tensor(at + "mlp.gate_proj.weight", random, 48, HIDDEN));
            all.add(tensor(at + "mlp.up_proj.weight", random, 48, HIDDEN));
            all.add(tensor(at + "mlp.down_proj.weight", random, HIDDEN, 48));
        }
        return all;
    }

    private static Safetensors.Tensor tensor(String name, SplittableRandom random, int... shape) {
        float[] values = new float[shape.length == 1 ? shape[0] : shape[0] * shape[1]];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (shape.length == 1 ? 1 : random.nextGaussian() / 4);
        }
        return new Safetensors.Tensor(name, TensorType.BF16, shape, values);
    }

    @Test
    void aCheckpointFolderIsServedAndKnownByItsName(@TempDir Path parent) throws Exception {
        Path folder = Files.createDirectory(parent.resolve("tiny-qwen3"));
        write(folder);
        try (UpProcess up = UpProcess.start(List.of("--model", folder.toString()), Map.of());
                OpenAiClient client = new OpenAiClient(up.url(), null)) {
            JsonNode models = client.get("/v1/models");
            assertEquals("tiny-qwen3", models.path("data").path(0).path("id").asString());
            assertEquals(512, models.path("data").path(0).path("max_model_len").asInt());
            JsonNode first = ask(client);
            assertEquals(PROMPT.length() + 1, first.path("usage").path("prompt_tokens").asInt());
            assertTrue(first.path("usage").path("completion_tokens").asInt() > 0, "" + first);
            JsonNode again = ask(client);
            assertEquals(text(first), text(again));
            JsonNode details = again.path("usage").path("prompt_tokens_details");
            assertTrue(details.path("cached_tokens").asInt() > 0, "" + again);
        }
    }

    private static JsonNode ask(OpenAiClient client) throws Exception {
        return client.post(
                "/v1/chat/completions",
                Map.of(
                        "messages",
                        List.of(Map.of("role", "user", "content", PROMPT)),
                        "temperature",
                        0,
                        "max_tokens",
                        8));
    }

    private static String text(JsonNode answer) {
        return answer.path("choices").path(0).path("message").path("content").asString();
    }
}

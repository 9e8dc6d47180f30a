package io.baton.engine;

import io.baton.common.model.BlockQuantizer;
import io.baton.common.model.GgufWriter;
import io.baton.common.model.TensorType;
import io.baton.engine.FamilyCase.CheckpointTensor;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Writes a family's checkpoint as llama.cpp's converter does: keys, names, rows of Q and K. */
final class FamilyGguf {
    private static final Map<String, String> NAMES =
            Map.ofEntries(
                    Map.entry("input_layernorm.weight", "attn_norm.weight"),
                    Map.entry("self_attn.q_proj", "attn_q"),
                    Map.entry("self_attn.k_proj", "attn_k"),
                    Map.entry("self_attn.v_proj", "attn_v"),
                    Map.entry("self_attn.qkv_proj", "attn_qkv"),
                    Map.entry("self_attn.o_proj", "attn_output"),
                    Map.entry("self_attn.q_norm", "attn_q_norm"),
                    Map.entry("self_attn.k_norm", "attn_k_norm"),
                    Map.entry("mlp.gate_proj", "ffn_gate"),
                    Map.entry("mlp.up_proj", "ffn_up"),
                    Map.entry("mlp.gate_up_proj", "ffn_up"),
                    Map.entry("mlp.down_proj", "ffn_down"),
                    Map.entry("pre_feedforward_layernorm.weight", "ffn_norm.weight"),
                    Map.entry("post_feedforward_layernorm.weight", "post_ffw_norm.weight"));

    private final JsonNode config;
    private final JsonNode rope;
    private final String family;
    private final GgufWriter out = new GgufWriter();

    private FamilyGguf(FamilyCase model) {
        this.config = model.config();
        JsonNode parameters = config.path("rope_parameters");
        this.rope =
                parameters.path("full_attention").isMissingNode()
                        ? parameters
                        : parameters.path("full_attention");
        this.family =
                switch (config.path("model_type").asString()) {
                    case "mistral" -> "llama";
                    case "gemma3_text" -> "gemma3";
                    default -> config.path("model_type").asString();
                };
    }

    static byte[] of(FamilyCase model) {
        return of(model, model.config().path("max_position_embeddings").asInt());
    }

    /** As if it had been made for other contexts. */
    static byte[] of(FamilyCase model, int contextLength) {
        FamilyGguf gguf = new FamilyGguf(model);
        gguf.out.uint32(gguf.key("context_length"), contextLength);
        gguf.keys();
        gguf.scaling();
        for (CheckpointTensor tensor : model.tensors()) {
            gguf.tensor(tensor);
        }
        return gguf.out.toBytes();
    }

    private void keys() {
        out.string("general.architecture", family);
        count("block_count", "num_hidden_layers");
        count("embedding_length", "hidden_size");
        count("feed_forward_length", "intermediate_size");
        count("attention.head_count", "num_attention_heads");
        count("attention.head_count_kv", "num_key_value_heads");
        count("vocab_size", "vocab_size");
        if (config.path("head_dim").isNumber()) {
            count("attention.key_length", "head_dim");
            count("attention.value_length", "head_dim");
        }
        if (config.path("sliding_window").isNumber()) {
            count("attention.sliding_window", "sliding_window");
        }
        out.float32(key("attention.layer_norm_rms_epsilon"), number(config, "rms_norm_eps"));
        out.float32(key("rope.freq_base"), number(rope, "rope_theta"));
        if (family.equals("gemma2")) {
            out.float32(key("attn_logit_softcapping"), number(config, "attn_logit_softcapping"));
            out.float32(key("final_logit_softcapping"), number(config, "final_logit_softcapping"));
            double scalar = number(config, "query_pre_attn_scalar");
            out.float32(key("attention.scale"), (float) (1 / Math.sqrt(scalar)));
        }
        if (family.equals("gemma3")) {
            out.uint32(key("attention.sliding_window_pattern"), 3);
        }
    }

    private void scaling() {
        switch (rope.path("rope_type").asString()) {
            case "linear", "yarn" -> {
                out.string(key("rope.scaling.type"), rope.path("rope_type").asString());
                out.float32(key("rope.scaling.factor"), number(rope, "factor"));
                if (rope.path("original_max_position_embeddings").isNumber()) {
                    originalContext();
                }
            }
            case "llama3" -> vector("rope_freqs.weight", llama3());
            case "longrope" -> {
                originalContext();
                double grown = 64.0 / rope.path("original_max_position_embeddings").asInt();
                double factor = Math.sqrt(1 + Math.log(grown) / Math.log(16));
                out.float32(key("rope.scaling.attn_factor"), (float) factor);
                vector("rope_factors_short.weight", floats(rope.path("short_factor")));
                vector("rope_factors_long.weight", floats(rope.path("long_factor")));
                out.uint32(key("rope.dimension_count"), 2 * rope.path("short_factor").size());
            }
            default -> {}
        }
    }

    private void originalContext() {
        out.uint32(
                key("rope.scaling.original_context_length"),
                rope.path("original_max_position_embeddings").asInt());
    }

    /** Llama 3.1's divisors, as its reference code makes them. */
    private float[] llama3() {
        int half = config.path("head_dim").asInt() / 2;
        double low = number(rope, "low_freq_factor");
        double high = number(rope, "high_freq_factor");
        double factor = number(rope, "factor");
        double old = number(rope, "original_max_position_embeddings");
        float[] divisors = new float[half];
        for (int i = 0; i < half; i++) {
            double turn = 2 * Math.PI * Math.pow(number(rope, "rope_theta"), (double) i / half);
            double smooth = (old / turn - low) / (high - low);
            double between = 1 / ((1 - smooth) / factor + smooth);
            divisors[i] = (float) (turn < old / high ? 1 : turn > old / low ? factor : between);
        }
        return divisors;
    }

    private void tensor(CheckpointTensor tensor) {
        String name = name(tensor.name());
        float[] values = tensor.values();
        if (family.startsWith("gemma") && tensor.shape().length == 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] += 1;
            }
        }
        boolean turned = name.endsWith("attn_q.weight") || name.endsWith("attn_k.weight");
        if (family.equals("llama") && turned) {
            values = permuted(values, tensor.cols());
        }
        long[] dims =
                tensor.shape().length == 1
                        ? new long[] {tensor.cols()}
                        : new long[] {tensor.cols(), tensor.shape()[0]};
        out.tensor(name, TensorType.F32, dims, BlockQuantizer.encode(TensorType.F32, values));
    }

    private String name(String name) {
        if (name.equals("model.embed_tokens.weight")) {
            return "token_embd.weight";
        }
        if (name.equals("model.norm.weight")) {
            return "output_norm.weight";
        }
        if (name.equals("lm_head.weight")) {
            return "output.weight";
        }
        String[] parts = name.split("\\.", 4);
        String rest = parts[3];
        String prefix = "blk." + parts[2] + ".";
        if (rest.equals("post_attention_layernorm.weight")) {
            boolean post = family.startsWith("gemma");
            return prefix + (post ? "post_attention_norm.weight" : "ffn_norm.weight");
        }
        if (NAMES.containsKey(rest)) {
            return prefix + NAMES.get(rest);
        }
        int dot = rest.lastIndexOf('.');
        return prefix + NAMES.get(rest.substring(0, dot)) + rest.substring(dot);
    }

    /** Halves to neighbours, per head. */
    private float[] permuted(float[] values, int cols) {
        int headDim =
                config.path("head_dim").isNumber()
                        ? config.path("head_dim").asInt()
                        : cols / config.path("num_attention_heads").asInt();
        float[] out = new float[values.length];
        for (int row = 0; row < values.length / cols; row++) {
            int head = row / headDim * headDim;
            int i = row % headDim;
            int to = head + (i < headDim / 2 ? 2 * i : 2 * (i - headDim / 2) + 1);
            System.arraycopy(values, row * cols, out, to * cols, cols);
        }
        return out;
    }

    private void vector(String name, float[] values) {
        out.tensor(
                name,
                TensorType.F32,
                new long[] {values.length},
                BlockQuantizer.encode(TensorType.F32, values));
    }

    private void count(String key, String name) {
        out.uint32(key(key), config.path(name).asInt());
    }

    private String key(String name) {
        return family + "." + name;
    }

    private static float number(JsonNode node, String name) {
        return (float) node.path(name).asDouble();
    }

    private static float[] floats(JsonNode array) {
        float[] floats = new float[array.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) array.path(i).asDouble();
        }
        return floats;
    }
}

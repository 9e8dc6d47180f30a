package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.model.GgufWriter;
import io.baton.common.model.ModelFile;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * Turns config.json into GGUF's keys. Defaults are those of transformers' configuration classes;
 * what a configuration asks for and Baton does not run is refused by name.
 */
final class CheckpointConfig {
    private static final Map<String, String> FAMILIES =
            Map.of(
                    "llama", "llama",
                    "mistral", "llama",
                    "qwen2", "qwen2",
                    "qwen3", "qwen3",
                    "gemma2", "gemma2",
                    "gemma3_text", "gemma3",
                    "phi3", "phi3");

    private static final int MAX_LAYERS = 1024;
    private static final int MAX_HEAD_DIM = 1 << 18;
    private static final int MAX_VOCAB = 1 << 20;

    private final ConfigJson config;
    private final String type;
    private final String family;
    private final CheckpointRope rope;

    CheckpointConfig(ConfigJson config) {
        this.config = config;
        this.type = config.string("model_type").orElseThrow(() -> config.missing("model_type"));
        String known = FAMILIES.get(type);
        if (known == null) {
            throw config.invalid(
                    "model_type %s is not one that Baton runs: %s"
                            .formatted(
                                    quote(type),
                                    String.join(
                                            ", ", FAMILIES.keySet().stream().sorted().toList())));
        }
        this.family = known;
        this.rope = CheckpointRope.of(config, type, headDim());
        refusals();
    }

    String family() {
        return family;
    }

    boolean gemma() {
        return family.startsWith("gemma");
    }

    CheckpointRope rope() {
        return rope;
    }

    int vocab() {
        int vocab = config.required("vocab_size");
        if (vocab < 1 || vocab > MAX_VOCAB) {
            throw config.invalid(
                    "'vocab_size' is %d, 1 to %d are read".formatted(vocab, MAX_VOCAB));
        }
        return vocab;
    }

    /** Gemma ties by default, the others do not. */
    boolean tied() {
        return config.flag("tie_word_embeddings", gemma());
    }

    private void refusals() {
        for (JsonNode name : config.node().path("architectures")) {
            config.refuse(
                    !name.asString("").endsWith("ForCausalLM"),
                    "architectures " + quote(name.asString("")),
                    "anything but causal language models");
        }
        config.refuse(
                config.has("quantization_config"), "quantization_config", "such quantised weights");
        config.refuse(config.flag("attention_bias", false), "attention_bias", "these biases");
        config.refuse(config.flag("mlp_bias", false), "mlp_bias", "these biases");
        config.refuse(
                config.flag("use_bidirectional_attention", false),
                "use_bidirectional_attention",
                "attention to what comes later");
        String wanted = gemma() ? "gelu_pytorch_tanh" : "silu";
        String name = gemma() ? "hidden_activation" : "hidden_act";
        String activation = config.string(name).orElse(wanted);
        config.refuse(!activation.equals(wanted), name + " " + quote(activation), "it here");
        if (!family.equals("gemma2")) {
            for (String cap : new String[] {"attn_logit_softcapping", "final_logit_softcapping"}) {
                config.refuse(config.has(cap), cap, "caps in this family");
            }
        }
    }

    private int headDim() {
        int heads = config.required("num_attention_heads");
        int hidden = config.required("hidden_size");
        if (heads == 0) {
            throw config.invalid("'num_attention_heads' is 0");
        }
        int usual = type.equals("qwen3") ? 128 : gemma() ? 256 : hidden / heads;
        int headDim = config.integer("head_dim").orElse(usual);
        if (headDim < 2 || headDim > MAX_HEAD_DIM) {
            throw config.invalid("heads have %d elements".formatted(headDim));
        }
        return headDim;
    }

    void write(GgufWriter out, String name) {
        int heads = config.required("num_attention_heads");
        out.string("general.architecture", family)
                .string("general.name", name)
                .string(ModelFile.ROPE_PAIRS, ModelFile.HALVES)
                .uint32(key("block_count"), config.required("num_hidden_layers"))
                .uint32(key("embedding_length"), config.required("hidden_size"))
                .uint32(key("feed_forward_length"), config.required("intermediate_size"))
                .uint32(key("attention.head_count"), heads)
                .uint32(
                        key("attention.head_count_kv"),
                        config.integer("num_key_value_heads").orElse(heads))
                .uint32(key("attention.key_length"), headDim())
                .uint32(key("attention.value_length"), headDim())
                .uint32(key("context_length"), config.required("max_position_embeddings"))
                .uint32(key("vocab_size"), vocab())
                .float32(
                        key("attention.layer_norm_rms_epsilon"),
                        (float) config.requiredNumber("rms_norm_eps"));
        rope.write(out, family);
        window(out);
        if (gemma()) {
            double scalar = config.positive("query_pre_attn_scalar", 256);
            out.float32(key("attention.scale"), (float) (1 / Math.sqrt(scalar)));
        }
        if (family.equals("gemma2")) {
            cap(out, "attn_logit_softcapping", 50);
            cap(out, "final_logit_softcapping", 30);
        }
    }

    private void cap(GgufWriter out, String name, double fallback) {
        double cap = config.number(name).orElse(config.states(name) ? 0 : fallback);
        out.float32(key(name), (float) cap);
    }

    private void window(GgufWriter out) {
        switch (type) {
            case "mistral" -> {
                if (!config.states("sliding_window")) {
                    window(out, 4096, layer -> true);
                } else if (config.has("sliding_window")) {
                    window(out, config.required("sliding_window"), layer -> true);
                }
            }
            case "phi3" -> {
                if (config.has("sliding_window")) {
                    window(out, config.required("sliding_window"), layer -> true);
                }
            }
            case "qwen2", "qwen3" -> {
                if (config.flag("use_sliding_window", false)) {
                    int first = config.integer("max_window_layers").orElse(28);
                    int window = config.integer("sliding_window").orElse(4096);
                    window(out, window, listed(layer -> layer >= first));
                }
            }
            case "gemma2" ->
                    window(out, config.required("sliding_window"), listed(l -> l % 2 == 0));
            case "gemma3_text" -> {
                String name =
                        config.has("sliding_window_pattern")
                                ? "sliding_window_pattern"
                                : "_sliding_window_pattern";
                int every = Math.max(1, config.integer(name).orElse(6));
                IntPredicate local = listed(layer -> (layer + 1) % every != 0);
                window(out, config.required("sliding_window"), local);
            }
            default -> {}
        }
    }

    private void window(GgufWriter out, int window, IntPredicate local) {
        int layers = Math.min(MAX_LAYERS, config.required("num_hidden_layers"));
        out.uint32(key("attention.sliding_window"), window)
                .ints(ModelFile.LOCAL_LAYERS, IntStream.range(0, layers).filter(local).toArray());
    }

    /** The kinds that a configuration lists, else those of the family's pattern. */
    private IntPredicate listed(IntPredicate pattern) {
        if (!config.has("layer_types")) {
            return pattern;
        }
        JsonNode types = config.node().path("layer_types");
        if (types.size() != config.required("num_hidden_layers")) {
            throw config.invalid("'layer_types' is no list of one kind for each layer");
        }
        for (JsonNode kind : types) {
            String name = kind.asString("");
            config.refuse(
                    !name.equals("full_attention") && !name.equals("sliding_attention"),
                    "layer_types " + quote(name),
                    "such layers");
        }
        return layer -> types.path(layer).asString("").equals("sliding_attention");
    }

    private String key(String name) {
        return family + "." + name;
    }
}

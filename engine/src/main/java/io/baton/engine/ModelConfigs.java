package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufFile;
import io.baton.common.model.GgufTensor;
import io.baton.engine.ModelConfig.Rope;
import io.baton.kernels.KernelQueue.Activation;
import java.util.Optional;

/**
 * Reads a model's shape from its file. The families: Llama (SmolLM2, Llama 2 and 3.x) and Gemma 3
 * (text). Keys are GGUF's, {@code <architecture>.<name>}.
 *
 * <p>Whatever a file asks for that the forward pass does not do is refused by name: a wrong answer
 * is worse than none.
 */
public final class ModelConfigs {
    private static final int MAX_LAYERS = 1024;
    private static final int MAX_WIDTH = 1 << 18;
    private static final int MAX_VOCAB = 1 << 20;
    private static final int MAX_CONTEXT = 1 << 24;

    /** Gemma 3 27B alone scales scores by its hidden size over its heads (its reference code). */
    private static final int GEMMA3_27B_LAYERS = 62;

    private final GgufFile file;
    private final String family;

    private ModelConfigs(GgufFile file) {
        this.file = file;
        this.family = file.architecture();
    }

    /**
     * The file's shape, checked in itself; {@link ModelWeights#load} checks the tensors against it.
     *
     * @throws BatonException MODEL_FILE_INVALID naming the key
     */
    public static ModelConfig read(GgufFile file) {
        ModelConfigs reader = new ModelConfigs(file);
        return switch (reader.family) {
            case "llama" -> reader.llama();
            case "gemma3" -> reader.gemma3();
            default ->
                    throw reader.invalid(
                            "architecture '%s' is not one that Baton runs: llama, gemma3"
                                    .formatted(reader.family));
        };
    }

    private ModelConfig llama() {
        refuseIfPositive("expert_count", "mixtures of experts");
        int hidden = required("embedding_length", MAX_WIDTH);
        int heads = required("attention.head_count", MAX_WIDTH);
        int headDim = headDim(hidden, heads);
        // GGUF's Llama files hold Q and K rows permuted, so that pairs are neighbours.
        Rope rope =
                new Rope(
                        (float) number("rope.freq_base").orElse(10000.0).doubleValue(),
                        linearScale(),
                        true);
        return checked(
                new ModelConfig(
                        family,
                        name(),
                        required("block_count", MAX_LAYERS),
                        hidden,
                        heads,
                        kvHeads(heads),
                        headDim,
                        required("feed_forward_length", MAX_WIDTH),
                        vocab(),
                        required("context_length", MAX_CONTEXT),
                        normEps(),
                        1f,
                        attentionScale(headDim),
                        Activation.SILU,
                        0,
                        0,
                        false,
                        false,
                        rope,
                        rope,
                        file.tensor("output.weight").isEmpty()));
    }

    private ModelConfig gemma3() {
        refuseIfPositive("attn_logit_softcapping", "capped attention scores");
        refuseIfPositive("final_logit_softcapping", "capped logits");
        int hidden = required("embedding_length", MAX_WIDTH);
        int heads = required("attention.head_count", MAX_WIDTH);
        int headDim = headDim(hidden, heads);
        int layers = required("block_count", MAX_LAYERS);
        float scale =
                layers == GEMMA3_27B_LAYERS
                        ? (float) (1 / Math.sqrt((double) hidden / heads))
                        : attentionScale(headDim);
        return checked(
                new ModelConfig(
                        family,
                        name(),
                        layers,
                        hidden,
                        heads,
                        kvHeads(heads),
                        headDim,
                        required("feed_forward_length", MAX_WIDTH),
                        vocab(),
                        required("context_length", MAX_CONTEXT),
                        normEps(),
                        (float) Math.sqrt(hidden),
                        scale,
                        Activation.GELU_TANH,
                        required("attention.sliding_window", MAX_CONTEXT),
                        optional("attention.sliding_window_pattern", MAX_LAYERS).orElse(6),
                        true,
                        true,
                        new Rope(
                                (float) number("rope.freq_base").orElse(1e6).doubleValue(),
                                linearScale(),
                                false),
                        new Rope(
                                (float) number("rope.freq_base_swa").orElse(1e4).doubleValue(),
                                1f,
                                false),
                        file.tensor("output.weight").isEmpty()));
    }

    private ModelConfig checked(ModelConfig config) {
        if (config.heads() % config.kvHeads() != 0) {
            throw invalid(
                    "%d query heads do not divide among %d KV heads"
                            .formatted(config.heads(), config.kvHeads()));
        }
        if (config.headDim() % 2 != 0) {
            throw invalid("heads of %d elements cannot be rotated".formatted(config.headDim()));
        }
        // An int of floats per row is the least that every later product relies on.
        long widest = (long) config.heads() * config.headDim();
        if (widest > MAX_WIDTH) {
            throw invalid(
                    "%d heads of %d are wider than %d"
                            .formatted(config.heads(), config.headDim(), MAX_WIDTH));
        }
        requirePositive("attention.layer_norm_rms_epsilon", config.normEps());
        requirePositive("rope.freq_base", config.rope().theta());
        requirePositive("rope.freq_base_swa", config.localRope().theta());
        requirePositive("rope.scaling.factor", config.rope().linearScale());
        requirePositive("attention.scale", config.attentionScale());
        return config;
    }

    private String name() {
        return file.string("general.name").orElse(family);
    }

    private int headDim(int hidden, int heads) {
        Optional<Integer> keyLength = optional("attention.key_length", MAX_WIDTH);
        if (keyLength.isEmpty() && hidden % heads != 0) {
            throw invalid("width %d does not divide among %d heads".formatted(hidden, heads));
        }
        int headDim = keyLength.orElse(hidden / heads);
        int valueLength = optional("attention.value_length", MAX_WIDTH).orElse(headDim);
        int rotated = optional("rope.dimension_count", MAX_WIDTH).orElse(headDim);
        if (valueLength != headDim || rotated != headDim) {
            throw invalid(
                    "keys of %d, values of %d and %d rotated elements differ; Baton runs models where they are one"
                            .formatted(headDim, valueLength, rotated));
        }
        return headDim;
    }

    private int kvHeads(int heads) {
        return optional("attention.head_count_kv", MAX_WIDTH).orElse(heads);
    }

    private int vocab() {
        GgufTensor table = file.require("token_embd.weight");
        int vocab = table.rows();
        if (vocab > MAX_VOCAB) {
            throw invalid("a vocabulary of %d tokens is over %d".formatted(vocab, MAX_VOCAB));
        }
        int stated = optional("vocab_size", MAX_VOCAB).orElse(vocab);
        if (stated != vocab) {
            throw invalid(
                    "vocab_size is %d, token_embd.weight has %d rows".formatted(stated, vocab));
        }
        return vocab;
    }

    private float normEps() {
        return (float)
                number("attention.layer_norm_rms_epsilon")
                        .orElseThrow(() -> missing("attention.layer_norm_rms_epsilon"))
                        .doubleValue();
    }

    private float attentionScale(int headDim) {
        return number("attention.scale")
                .map(Double::floatValue)
                .orElse((float) (1 / Math.sqrt(headDim)));
    }

    /** By what positions are divided. Other scalings than linear are not computed here. */
    private float linearScale() {
        String type = file.string(key("rope.scaling.type")).orElse("none");
        double factor =
                number("rope.scaling.factor").or(() -> number("rope.scale_linear")).orElse(1.0);
        return switch (type) {
            case "none" -> file.string(key("rope.scaling.type")).isEmpty() ? (float) factor : 1f;
            case "linear" -> (float) factor;
            default ->
                    throw invalid(
                            "RoPE scaling '%s' is not one that Baton computes: none, linear"
                                    .formatted(type));
        };
    }

    private void refuseIfPositive(String name, String what) {
        if (number(name).orElse(0.0) > 0) {
            throw invalid("%s is set: Baton does not run %s".formatted(key(name), what));
        }
    }

    private void requirePositive(String name, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw invalid("%s is %s, it must be above 0".formatted(key(name), value));
        }
    }

    private int required(String name, int max) {
        return optional(name, max).orElseThrow(() -> missing(name));
    }

    private Optional<Integer> optional(String name, int max) {
        var value = file.integer(key(name));
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.getAsLong() < 1 || value.getAsLong() > max) {
            throw invalid(
                    "%s is %d, it must be in 1..%d".formatted(key(name), value.getAsLong(), max));
        }
        return Optional.of((int) value.getAsLong());
    }

    private Optional<Double> number(String name) {
        var value = file.number(key(name));
        return value.isPresent() ? Optional.of(value.getAsDouble()) : Optional.empty();
    }

    private String key(String name) {
        return family + "." + name;
    }

    private BatonException missing(String name) {
        return invalid("key '%s' is missing".formatted(key(name)));
    }

    private BatonException invalid(String what) {
        return new BatonException(
                ErrorCode.MODEL_FILE_INVALID, "%s: %s.".formatted(file.source(), what));
    }
}

package io.baton.engine;

import static io.baton.engine.ModelKeys.MAX_CONTEXT;
import static io.baton.engine.ModelKeys.MAX_LAYERS;
import static io.baton.engine.ModelKeys.MAX_VOCAB;
import static io.baton.engine.ModelKeys.MAX_WIDTH;

import io.baton.common.error.BatonException;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.ModelFile;
import io.baton.engine.ModelConfig.Attention;
import io.baton.engine.ModelConfig.Head;
import io.baton.engine.ModelConfig.Rope;
import io.baton.kernels.KernelQueue.Activation;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Reads a model's shape from its file. The families: Llama (SmolLM2, Llama 2 and 3.x, Mistral),
 * Qwen 2 and 2.5, Qwen 3, Gemma 2, Gemma 3 (text) and Phi-3. Keys are GGUF's, {@code
 * <architecture>.<name>}.
 *
 * <p>Whatever a file asks for that the forward pass does not do is refused by name: a wrong answer
 * is worse than none.
 */
public final class ModelConfigs {
    private static final String FAMILIES = "llama, qwen2, qwen3, gemma2, gemma3, phi3";

    /** The 27B models alone scale scores by their hidden size over their heads (reference code). */
    private static final int GEMMA2_27B_LAYERS = 46;

    private static final int GEMMA3_27B_LAYERS = 62;

    private final ModelKeys keys;
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int headDim;
    private final RopeConfigs ropes;

    private ModelConfigs(ModelKeys keys) {
        this.keys = keys;
        keys.refuseUnless("expert_count", 0, "mixtures of experts");
        layers = keys.required("block_count", MAX_LAYERS);
        hidden = keys.required("embedding_length", MAX_WIDTH);
        heads = keys.required("attention.head_count", MAX_WIDTH);
        headDim = readHeadDim();
        ropes = new RopeConfigs(keys, headDim);
    }

    /**
     * The file's shape, checked in itself; {@link ModelWeights#load} checks the tensors against it.
     *
     * @throws BatonException MODEL_FILE_INVALID naming the key
     */
    public static ModelConfig read(ModelFile file) {
        ModelKeys keys = new ModelKeys(file);
        return switch (keys.family()) {
            // GGUF's Llama files hold Q and K rows permuted, so that pairs are neighbours.
            case "llama" -> new ModelConfigs(keys).llamaLike(true, false, false);
            case "qwen2" -> new ModelConfigs(keys).llamaLike(false, true, false);
            case "qwen3" -> new ModelConfigs(keys).llamaLike(false, false, true);
            case "phi3" -> new ModelConfigs(keys).llamaLike(false, false, false);
            case "gemma2" -> new ModelConfigs(keys).gemma2();
            case "gemma3" -> new ModelConfigs(keys).gemma3();
            default ->
                    throw keys.invalid(
                            "architecture '%s' is not one that Baton runs: %s"
                                    .formatted(keys.family(), FAMILIES));
        };
    }

    /** Mistral and Phi-3 see a window in every layer, where one is given. */
    private ModelConfig llamaLike(boolean interleaved, boolean qkvBias, boolean qkNorm) {
        keys.refuseUnless("attn_logit_softcapping", 0, "capped attention scores in this family");
        keys.refuseUnless("final_logit_softcapping", 0, "capped logits in this family");
        int window = keys.orNone("attention.sliding_window", MAX_CONTEXT);
        Rope rope = ropes.global(10000, interleaved);
        Set<Integer> local = window == 0 ? Set.of() : localLayers(layer -> true);
        return config(
                new Attention(scale(headDim), 0, window, local, qkvBias, qkNorm), rope, rope, 0);
    }

    /** Every other layer is local, the first one among them. */
    private ModelConfig gemma2() {
        int window = keys.required("attention.sliding_window", MAX_CONTEXT);
        Rope rope = ropes.global(10000, false);
        Attention attention =
                new Attention(
                        scale(layers == GEMMA2_27B_LAYERS ? (double) hidden / heads : headDim),
                        keys.cap("attn_logit_softcapping", 50),
                        window,
                        localLayers(layer -> layer % 2 == 0),
                        false,
                        false);
        return config(attention, rope, rope, keys.cap("final_logit_softcapping", 30));
    }

    /** Every sixth layer is global, and turns by another base. */
    private ModelConfig gemma3() {
        keys.refuseUnless("attn_logit_softcapping", 0, "capped attention scores in this family");
        keys.refuseUnless("final_logit_softcapping", 0, "capped logits in this family");
        int globalEvery = keys.optional("attention.sliding_window_pattern", MAX_LAYERS).orElse(6);
        Attention attention =
                new Attention(
                        scale(layers == GEMMA3_27B_LAYERS ? (double) hidden / heads : headDim),
                        0,
                        keys.required("attention.sliding_window", MAX_CONTEXT),
                        localLayers(layer -> (layer + 1) % globalEvery != 0),
                        false,
                        true);
        Rope local =
                new Rope(
                        keys.positive("rope.freq_base_swa", 1e4),
                        headDim,
                        false,
                        new RopeScaling.None());
        return config(attention, ropes.global(1e6, false), local, 0);
    }

    private ModelConfig config(Attention attention, Rope rope, Rope localRope, float logitCap) {
        int kvHeads = keys.optional("attention.head_count_kv", MAX_WIDTH).orElse(heads);
        if (heads % kvHeads != 0) {
            throw keys.invalid(
                    "%d query heads do not divide among %d KV heads".formatted(heads, kvHeads));
        }
        boolean gemma = keys.family().startsWith("gemma");
        return new ModelConfig(
                keys.family(),
                keys.file().string("general.name").orElse(keys.family()),
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                keys.required("feed_forward_length", MAX_WIDTH),
                vocab(),
                keys.required("context_length", MAX_CONTEXT),
                normEps(),
                gemma ? (float) Math.sqrt(hidden) : 1f,
                gemma ? Activation.GELU_TANH : Activation.SILU,
                gemma,
                attention,
                rope,
                localRope,
                new Head(keys.file().tensor("output.weight").isEmpty(), logitCap));
    }

    /** The layers that a file lists itself, else those of the family's pattern. */
    private Set<Integer> localLayers(IntPredicate pattern) {
        Optional<int[]> listed = keys.file().ints(ModelFile.LOCAL_LAYERS);
        IntStream chosen =
                listed.isPresent()
                        ? IntStream.of(listed.get())
                        : IntStream.range(0, layers).filter(pattern);
        return chosen.boxed().collect(Collectors.toSet());
    }

    private int readHeadDim() {
        Optional<Integer> keyLength = keys.optional("attention.key_length", MAX_WIDTH);
        if (keyLength.isEmpty() && hidden % heads != 0) {
            throw keys.invalid("width %d does not divide among %d heads".formatted(hidden, heads));
        }
        int headDim = keyLength.orElse(hidden / heads);
        int valueLength = keys.optional("attention.value_length", MAX_WIDTH).orElse(headDim);
        if (valueLength != headDim) {
            throw keys.invalid(
                    "keys of %d and values of %d elements differ; Baton runs models where they are one"
                            .formatted(headDim, valueLength));
        }
        if (headDim % 2 != 0) {
            throw keys.invalid("heads of %d elements cannot be rotated".formatted(headDim));
        }
        // An int of floats per row is the least that every later product relies on.
        if ((long) heads * headDim > MAX_WIDTH) {
            throw keys.invalid(
                    "%d heads of %d are wider than %d".formatted(heads, headDim, MAX_WIDTH));
        }
        return headDim;
    }

    private int vocab() {
        GgufTensor table = keys.file().require("token_embd.weight");
        int vocab = table.rows();
        if (vocab > MAX_VOCAB) {
            throw keys.invalid("a vocabulary of %d tokens is over %d".formatted(vocab, MAX_VOCAB));
        }
        int stated = keys.optional("vocab_size", MAX_VOCAB).orElse(vocab);
        if (stated != vocab) {
            throw keys.invalid(
                    "vocab_size is %d, token_embd.weight has %d rows".formatted(stated, vocab));
        }
        return vocab;
    }

    private float normEps() {
        String name = "attention.layer_norm_rms_epsilon";
        double eps = keys.number(name).orElseThrow(() -> keys.missing(name));
        keys.requirePositive(name, (float) eps);
        return (float) eps;
    }

    /** 1 / sqrt(elements), unless the file gives the factor itself. */
    private float scale(double elements) {
        return keys.positive("attention.scale", 1 / Math.sqrt(elements));
    }
}

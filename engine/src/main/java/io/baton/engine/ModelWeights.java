package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufFile;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.RopeTable;
import io.baton.common.model.TensorType;
import io.baton.kernels.Kernels;
import io.baton.kernels.Weight;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model's weights in a provider's form, loaded once and shared by every engine of the process.
 * Safe for any thread. The file and the provider must stay open as long as they are used.
 */
public final class ModelWeights {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * One layer. Matrices are {@code [out, in]}; norms are vectors.
     *
     * @param q {@code [heads * headDim, hidden]}
     * @param k {@code [kvHeads * headDim, hidden]}
     * @param v {@code [kvHeads * headDim, hidden]}
     * @param output {@code [hidden, heads * headDim]}
     * @param queryNorm {@code [headDim]}, only with QK norm
     * @param keyNorm {@code [headDim]}, only with QK norm
     * @param postAttentionNorm {@code [hidden]}, only with post norms
     * @param gate {@code [ffn, hidden]}
     * @param up {@code [ffn, hidden]}
     * @param down {@code [hidden, ffn]}
     * @param postFfnNorm {@code [hidden]}, only with post norms
     */
    record Layer(
            Weight attentionNorm,
            Weight q,
            Weight k,
            Weight v,
            Weight output,
            @Nullable Weight queryNorm,
            @Nullable Weight keyNorm,
            @Nullable Weight postAttentionNorm,
            Weight ffnNorm,
            Weight gate,
            Weight up,
            Weight down,
            @Nullable Weight postFfnNorm) {}

    /** Tables of global and of sliding-window layers; the same table where they do not differ. */
    public record RopeTables(RopeTable global, RopeTable local) {}

    private final ModelConfig config;
    private final Weight embedding;
    private final List<Layer> layers;
    private final Weight outputNorm;
    private final Weight head;
    private final float[] ropeFactors;
    private final long residentBytes;
    private @Nullable RopeTables ropeTables;

    private ModelWeights(Loader loader) {
        config = loader.config;
        embedding = loader.matrix("token_embd.weight", config.vocab(), config.hidden());
        outputNorm = loader.vector("output_norm.weight", config.hidden());
        head =
                config.tiedHead()
                        ? embedding
                        : loader.matrix("output.weight", config.vocab(), config.hidden());
        List<Layer> loaded = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            loaded.add(loader.layer(i));
        }
        layers = List.copyOf(loaded);
        ropeFactors = loader.ropeFactors();
        loader.refuseUnused();
        residentBytes = loader.residentBytes;
    }

    /**
     * Loads every tensor, checking its shape against the configuration.
     *
     * @throws BatonException MODEL_FILE_INVALID naming the tensor that is missing, has another
     *     shape, or has no place in the model
     */
    public static ModelWeights load(Kernels kernels, GgufFile file) {
        return new ModelWeights(new Loader(kernels, file, ModelConfigs.read(file)));
    }

    public ModelConfig config() {
        return config;
    }

    /** Bytes that the provider holds beyond the mapped file. */
    public long residentBytes() {
        return residentBytes;
    }

    /**
     * Tables for at least {@code positions} positions. Kept: later calls that need no more share
     * them, and so do codecs that turn keys back.
     */
    public synchronized RopeTables ropeTables(int positions) {
        RopeTables tables = ropeTables;
        if (tables == null || tables.global().positions() < positions) {
            RopeTable global = table(positions, config.rope(), ropeFactors);
            RopeTable local =
                    config.localRope().equals(config.rope())
                            ? global
                            : table(positions, config.localRope(), new float[0]);
            tables = new RopeTables(global, local);
            ropeTables = tables;
        }
        return tables;
    }

    private RopeTable table(int positions, ModelConfig.Rope rope, float[] factors) {
        return RopeTable.of(
                positions,
                config.headDim(),
                rope.theta(),
                factors,
                rope.linearScale(),
                rope.interleaved());
    }

    Weight embedding() {
        return embedding;
    }

    List<Layer> layers() {
        return layers;
    }

    Weight outputNorm() {
        return outputNorm;
    }

    /** {@code [vocab, hidden]}. */
    Weight head() {
        return head;
    }

    /** Takes tensors out of a file one by one and knows what is left. */
    private static final class Loader {
        final ModelConfig config;
        private final Kernels kernels;
        private final GgufFile file;
        private final Set<String> used = new HashSet<>();
        long residentBytes;

        Loader(Kernels kernels, GgufFile file, ModelConfig config) {
            this.kernels = kernels;
            this.file = file;
            this.config = config;
        }

        Layer layer(int index) {
            String at = "blk." + index + ".";
            int hidden = config.hidden();
            int q = config.heads() * config.headDim();
            int kv = config.kvHeads() * config.headDim();
            int ffn = config.ffn();
            return new Layer(
                    vector(at + "attn_norm.weight", hidden),
                    matrix(at + "attn_q.weight", q, hidden),
                    matrix(at + "attn_k.weight", kv, hidden),
                    matrix(at + "attn_v.weight", kv, hidden),
                    matrix(at + "attn_output.weight", hidden, q),
                    config.qkNorm() ? vector(at + "attn_q_norm.weight", config.headDim()) : null,
                    config.qkNorm() ? vector(at + "attn_k_norm.weight", config.headDim()) : null,
                    config.postNorms() ? vector(at + "post_attention_norm.weight", hidden) : null,
                    vector(at + "ffn_norm.weight", hidden),
                    matrix(at + "ffn_gate.weight", ffn, hidden),
                    matrix(at + "ffn_up.weight", ffn, hidden),
                    matrix(at + "ffn_down.weight", hidden, ffn),
                    config.postNorms() ? vector(at + "post_ffw_norm.weight", hidden) : null);
        }

        Weight vector(String name, int elements) {
            return matrix(name, 1, elements);
        }

        Weight matrix(String name, int rows, int cols) {
            GgufTensor tensor = take(name, rows, cols);
            Weight weight = kernels.weight(tensor.type(), rows, cols, tensor.data());
            residentBytes += weight.residentBytes();
            return weight;
        }

        /** Divisors of each pair's frequency (Llama 3.1 and later); empty if the file has none. */
        float[] ropeFactors() {
            if (file.tensor("rope_freqs.weight").isEmpty()) {
                return new float[0];
            }
            GgufTensor tensor = take("rope_freqs.weight", 1, config.headDim() / 2);
            if (tensor.type() != TensorType.F32) {
                throw invalid("tensor 'rope_freqs.weight' is %s, not F32".formatted(tensor.type()));
            }
            float[] factors = tensor.data().toArray(FLOAT);
            for (float factor : factors) {
                if (!(factor > 0) || Float.isInfinite(factor)) {
                    throw invalid("tensor 'rope_freqs.weight' holds " + factor);
                }
            }
            return factors;
        }

        private GgufTensor take(String name, int rows, int cols) {
            GgufTensor tensor = file.require(name);
            if (tensor.cols() != cols || tensor.rows() != rows) {
                throw invalid(
                        "tensor '%s' is %s, its configuration says [%d, %d]"
                                .formatted(name, tensor.shape(), cols, rows));
            }
            used.add(name);
            return tensor;
        }

        /** A tensor that the forward pass would pass over, such as a bias, changes the answer. */
        void refuseUnused() {
            for (GgufTensor tensor : file.tensors()) {
                if (!used.contains(tensor.name())) {
                    throw invalid(
                            "tensor '%s' has no place in family %s"
                                    .formatted(tensor.name(), config.family()));
                }
            }
        }

        private BatonException invalid(String what) {
            return new BatonException(
                    ErrorCode.MODEL_FILE_INVALID, "%s: %s.".formatted(file.source(), what));
        }
    }
}

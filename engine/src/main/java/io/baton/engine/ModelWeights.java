package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.model.ModelFile;
import io.baton.common.model.RopeTable;
import io.baton.kernels.KernelQueue.Projection;
import io.baton.kernels.Kernels;
import io.baton.kernels.Tensor;
import io.baton.kernels.Weight;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model's weights in a provider's form, loaded once and shared by every engine of the process.
 * Safe for any thread. The file and the provider must stay open as long as they are used.
 */
public final class ModelWeights {
    /**
     * One layer.
     *
     * @param attentionNorm {@code [hidden]}
     * @param ffnNorm {@code [hidden]}
     */
    record Layer(
            Weight attentionNorm, Attention attention, Weight ffnNorm, FeedForward feedForward) {}

    /**
     * Matrices are {@code [out, in]}; norms and biases are vectors.
     *
     * @param q {@code [heads * headDim, hidden]}
     * @param k {@code [kvHeads * headDim, hidden]}
     * @param v {@code [kvHeads * headDim, hidden]}
     * @param output {@code [hidden, heads * headDim]}
     * @param queryNorm {@code [headDim]}, only with QK norm
     * @param keyNorm {@code [headDim]}, only with QK norm
     * @param postNorm {@code [hidden]}, only with post norms
     */
    record Attention(
            Linear q,
            Linear k,
            Linear v,
            Weight output,
            @Nullable Weight queryNorm,
            @Nullable Weight keyNorm,
            @Nullable Weight postNorm) {}

    /** A matrix and, in families that have one, the bias of its product. */
    record Linear(Weight weight, @Nullable Weight bias) {
        Projection to(Tensor out) {
            return new Projection(weight, bias, out);
        }
    }

    /**
     * @param gate {@code [ffn, hidden]}
     * @param up {@code [ffn, hidden]}
     * @param down {@code [hidden, ffn]}
     * @param postNorm {@code [hidden]}, only with post norms
     */
    record FeedForward(Weight gate, Weight up, Weight down, @Nullable Weight postNorm) {}

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

    private ModelWeights(WeightLoader loader) {
        config = loader.config();
        embedding = loader.matrix("token_embd.weight", config.vocab(), config.hidden());
        outputNorm = loader.vector("output_norm.weight", config.hidden());
        head =
                config.head().tied()
                        ? embedding
                        : loader.matrix("output.weight", config.vocab(), config.hidden());
        List<Layer> loaded = new ArrayList<>();
        for (int i = 0; i < config.layers(); i++) {
            loaded.add(loader.layer(i));
        }
        layers = List.copyOf(loaded);
        ropeFactors = loader.ropeFactors();
        loader.refuseUnused();
        residentBytes = loader.residentBytes();
    }

    /**
     * Loads every tensor, checking its shape against the configuration.
     *
     * @throws BatonException MODEL_FILE_INVALID naming the tensor that is missing, has another
     *     shape, or has no place in the model
     */
    public static ModelWeights load(Kernels kernels, ModelFile file) {
        return load(kernels, file, 0);
    }

    /**
     * As above, for a service of contexts up to a length.
     *
     * @param servedTokens the longest context, which LongRoPE's frequencies depend on; 0 for the
     *     model's own
     */
    public static ModelWeights load(Kernels kernels, ModelFile file, int servedTokens) {
        ModelConfig config = ModelConfigs.read(file);
        int served = servedTokens == 0 ? config.contextLength() : servedTokens;
        return new ModelWeights(new WeightLoader(kernels, file, config, served));
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

    private static RopeTable table(int positions, ModelConfig.Rope rope, float[] factors) {
        return RopeTable.of(
                positions, rope.rotated(), frequencies(rope, factors), rope.interleaved());
    }

    private static RopeTable.Frequencies frequencies(ModelConfig.Rope rope, float[] factors) {
        RopeScaling scaling = rope.scaling();
        float linear = scaling instanceof RopeScaling.Linear(float factor) ? factor : 1f;
        return new RopeTable.Frequencies(rope.theta(), factors, linear, scaling.magnitude());
    }

    /**
     * How far each pair of a layer's heads is rotated from one position to the next, in radians.
     */
    public float[] ropeAngles(int layer) {
        boolean local = config.isLocal(layer) && !config.localRope().equals(config.rope());
        ModelConfig.Rope rope = local ? config.localRope() : config.rope();
        return RopeTable.angles(
                rope.rotated(), frequencies(rope, local ? new float[0] : ropeFactors));
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
}

package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.ModelFile;
import io.baton.common.model.TensorType;
import io.baton.engine.ModelWeights.Attention;
import io.baton.engine.ModelWeights.FeedForward;
import io.baton.engine.ModelWeights.Layer;
import io.baton.engine.ModelWeights.Linear;
import io.baton.kernels.Kernels;
import io.baton.kernels.Weight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes tensors out of a file one by one, checks their shapes and knows what is left. Tensors that
 * hold several projections (Phi-3's QKV, gate and up) are cut by rows, without a copy.
 */
final class WeightLoader {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Kernels kernels;
    private final ModelFile file;
    private final ModelConfig config;
    private final int servedTokens;
    private final Set<String> used = new HashSet<>();
    private long residentBytes;

    WeightLoader(Kernels kernels, ModelFile file, ModelConfig config, int servedTokens) {
        this.kernels = kernels;
        this.file = file;
        this.config = config;
        this.servedTokens = servedTokens;
    }

    ModelConfig config() {
        return config;
    }

    long residentBytes() {
        return residentBytes;
    }

    Layer layer(int index) {
        String at = "blk." + index + ".";
        int hidden = config.hidden();
        return new Layer(
                vector(at + "attn_norm.weight", hidden),
                attention(at),
                vector(at + "ffn_norm.weight", hidden),
                feedForward(at));
    }

    private Attention attention(String at) {
        int hidden = config.hidden();
        int headDim = config.headDim();
        int q = config.heads() * headDim;
        int kv = config.kvHeads() * headDim;
        boolean fused = file.tensor(at + "attn_qkv.weight").isPresent();
        boolean qkNorm = config.attention().qkNorm();
        return new Attention(
                fused ? part(at, new Rows(0, q)) : linear(at + "attn_q", q),
                fused ? part(at, new Rows(q, kv)) : linear(at + "attn_k", kv),
                fused ? part(at, new Rows(q + kv, kv)) : linear(at + "attn_v", kv),
                matrix(at + "attn_output.weight", hidden, q),
                qkNorm ? vector(at + "attn_q_norm.weight", headDim) : null,
                qkNorm ? vector(at + "attn_k_norm.weight", headDim) : null,
                postNorm(at + "post_attention_norm.weight"));
    }

    private Linear linear(String name, int rows) {
        return new Linear(
                matrix(name + ".weight", rows, config.hidden()),
                config.attention().qkvBias() ? vector(name + ".bias", rows) : null);
    }

    /** Some rows of a layer's fused QKV. */
    private Linear part(String at, Rows rows) {
        int all = (config.heads() + 2 * config.kvHeads()) * config.headDim();
        return new Linear(rows(take(at + "attn_qkv.weight", all, config.hidden()), rows), null);
    }

    private FeedForward feedForward(String at) {
        int hidden = config.hidden();
        int ffn = config.ffn();
        boolean fused = file.tensor(at + "ffn_gate.weight").isEmpty();
        String up = at + "ffn_up.weight";
        if (fused && file.require(up).rows() == ffn) {
            throw invalid("tensor '%sffn_gate.weight' is missing".formatted(at));
        }
        return new FeedForward(
                fused
                        ? rows(take(up, 2 * ffn, hidden), new Rows(0, ffn))
                        : matrix(at + "ffn_gate.weight", ffn, hidden),
                fused
                        ? rows(take(up, 2 * ffn, hidden), new Rows(ffn, ffn))
                        : matrix(up, ffn, hidden),
                matrix(at + "ffn_down.weight", hidden, ffn),
                postNorm(at + "post_ffw_norm.weight"));
    }

    private @Nullable Weight postNorm(String name) {
        return config.postNorms() ? vector(name, config.hidden()) : null;
    }

    Weight vector(String name, int elements) {
        return matrix(name, 1, elements);
    }

    Weight matrix(String name, int rows, int cols) {
        return rows(take(name, rows, cols), new Rows(0, rows));
    }

    private record Rows(int from, int count) {}

    private Weight rows(GgufTensor tensor, Rows rows) {
        TensorType type = tensor.type();
        int cols = tensor.cols();
        if (cols % type.blockElements() != 0) {
            throw invalid(
                    "tensor '%s' is %s, its rows are no whole blocks"
                            .formatted(tensor.name(), tensor.shape()));
        }
        long rowBytes = type.bytes(cols);
        MemorySegment data = tensor.data().asSlice(rows.from() * rowBytes, rows.count() * rowBytes);
        Weight weight = kernels.weight(type, rows.count(), cols, data);
        residentBytes += weight.residentBytes();
        return weight;
    }

    /** Divisors of each pair's frequency in global layers; empty if there are none. */
    float[] ropeFactors() {
        ModelConfig.Rope rope = config.rope();
        return switch (rope.scaling()) {
            case RopeScaling.None none -> listed("rope_freqs.weight");
            case RopeScaling.Linear linear -> listed("rope_freqs.weight");
            case RopeScaling.Yarn yarn -> yarn.divisors(rope.rotated(), rope.theta());
            case RopeScaling.LongRope longRope -> {
                float[] small = listed("rope_factors_short.weight");
                float[] large = listed("rope_factors_long.weight");
                if (large.length == 0) {
                    throw invalid("tensor 'rope_factors_long.weight' is missing");
                }
                yield longRope.isLong(servedTokens) ? large : small;
            }
        };
    }

    private float[] listed(String name) {
        if (file.tensor(name).isEmpty()) {
            return new float[0];
        }
        GgufTensor tensor = take(name, 1, config.rope().rotated() / 2);
        if (tensor.type() != TensorType.F32) {
            throw invalid("tensor '%s' is %s, not F32".formatted(name, tensor.type()));
        }
        float[] factors = tensor.data().toArray(FLOAT);
        for (float factor : factors) {
            if (!(factor > 0) || Float.isInfinite(factor)) {
                throw invalid("tensor '%s' holds %s".formatted(name, factor));
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

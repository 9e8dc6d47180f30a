package io.baton.engine;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.KernelQueue.Activation;
import io.baton.kernels.KernelQueue.AttentionShape;
import java.util.Set;

/**
 * A transformer's shape, read from its model file. A model family is this record plus what truly
 * differs.
 *
 * @param family {@code llama} (with Mistral), {@code qwen2}, {@code qwen3}, {@code gemma2}, {@code
 *     gemma3}, {@code phi3}
 * @param name the file's own name for the model
 * @param layers transformer layers
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headDim elements per head
 * @param ffn width of the feed-forward part
 * @param vocab vocabulary size
 * @param contextLength positions the model was trained for
 * @param normEps epsilon of RMSNorm
 * @param embeddingScale factor of embeddings (Gemma: sqrt(hidden), rounded as its reference does)
 * @param activation of the gated unit
 * @param postNorms RMSNorm of attention's and feed-forward's output before the residual sum (Gemma)
 * @param attention how scores are made
 * @param rope rotation in global layers
 * @param localRope rotation in sliding-window layers
 * @param head from the last hidden row to logits
 */
public record ModelConfig(
        String family,
        String name,
        int layers,
        int hidden,
        int heads,
        int kvHeads,
        int headDim,
        int ffn,
        int vocab,
        int contextLength,
        float normEps,
        float embeddingScale,
        Activation activation,
        boolean postNorms,
        Attention attention,
        Rope rope,
        Rope localRope,
        Head head) {
    /**
     * @param scale factor of scores
     * @param softcap scores are bent to it by tanh (Gemma 2); 0 for none
     * @param window positions that a local layer sees
     * @param localLayers layers that see only a window
     * @param qkvBias biases of the query, key and value projections (Qwen 2)
     * @param qkNorm RMSNorm of each query and key head before RoPE (Qwen 3, Gemma 3)
     */
    public record Attention(
            float scale,
            float softcap,
            int window,
            Set<Integer> localLayers,
            boolean qkvBias,
            boolean qkNorm) {
        public Attention {
            localLayers = Set.copyOf(localLayers);
        }
    }

    /**
     * @param theta base of the frequencies
     * @param rotated elements of a head that are rotated, from the first on
     * @param interleaved whether pairs are neighbours (GGUF's Llama files) or halves (NEOX)
     * @param scaling how frequencies were stretched for longer contexts
     */
    public record Rope(float theta, int rotated, boolean interleaved, RopeScaling scaling) {}

    /**
     * @param tied whether the head is the embedding table
     * @param softcap logits are bent to it by tanh (Gemma 2); 0 for none
     */
    public record Head(boolean tied, float softcap) {}

    /** The layout of this model's KV. */
    public KvLayout kvLayout(KvDtype dtype, int blockTokens) {
        return new KvLayout(layers, kvHeads, headDim, dtype, blockTokens);
    }

    /** Whether a layer sees only a window of positions. */
    public boolean isLocal(int layer) {
        return attention.localLayers().contains(layer);
    }

    AttentionShape attentionShape(int layer) {
        int window = isLocal(layer) ? attention.window() : 0;
        return new AttentionShape(heads, attention.scale(), window, attention.softcap());
    }
}

package io.baton.engine;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.KernelQueue.Activation;

/**
 * A transformer's shape, read from its model file. A model family is this record plus what truly
 * differs.
 *
 * @param family {@code llama}, {@code gemma3}
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
 * @param attentionScale factor of attention scores
 * @param activation of the gated unit
 * @param slidingWindow positions a local layer sees; 0 for none
 * @param globalEvery every n-th layer is global where there is a sliding window (Gemma 3: 6); 0 for
 *     all
 * @param qkNorm RMSNorm of each query and key head before RoPE
 * @param postNorms RMSNorm of attention's and feed-forward's output before the residual sum (Gemma)
 * @param rope base, scaling and pairing of global layers
 * @param localRope the same for sliding-window layers
 * @param tiedHead whether the output head is the embedding table
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
        float attentionScale,
        Activation activation,
        int slidingWindow,
        int globalEvery,
        boolean qkNorm,
        boolean postNorms,
        Rope rope,
        Rope localRope,
        boolean tiedHead) {
    /**
     * Base, linear scale of positions, and whether pairs are interleaved (GGUF's Llama files) or
     * halves (NEOX).
     */
    public record Rope(float theta, float linearScale, boolean interleaved) {}

    /** The layout of this model's KV. */
    public KvLayout kvLayout(KvDtype dtype, int blockTokens) {
        return new KvLayout(layers, kvHeads, headDim, dtype, blockTokens);
    }

    /** Whether a layer sees only {@link #slidingWindow} positions. */
    public boolean isLocal(int layer) {
        return slidingWindow > 0 && globalEvery > 0 && (layer + 1) % globalEvery != 0;
    }
}

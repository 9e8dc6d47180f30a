package io.baton.common.kv;

/**
 * The shape of KV, the same in the pool and in raw frames. All sizes in bytes, little-endian
 * elements.
 *
 * <pre>
 * pool        = layer 0 | layer 1 | ...            each layer: blocks 0..n-1
 * block layer = K: [kvHeads][blockTokens][row]  then  V: [kvHeads][blockTokens][row]
 * row         = [headDim] elements; int8: [headDim] signed bytes, then a float32 scale
 * </pre>
 *
 * One layer of one block ("block layer") is contiguous, so KV leaves layer by layer without a
 * gather. Keys are stored after RoPE. Unwritten token rows of a block are zero.
 *
 * @param layers transformer layers
 * @param kvHeads key/value heads per layer
 * @param headDim elements per head
 * @param dtype element format
 * @param blockTokens tokens per block (16)
 */
public record KvLayout(int layers, int kvHeads, int headDim, KvDtype dtype, int blockTokens) {
    public KvLayout {
        if (layers <= 0 || kvHeads <= 0 || headDim <= 0 || blockTokens <= 0) {
            throw new IllegalArgumentException(
                    "layout sizes must be positive: %d layers, %d KV heads of %d, %d tokens a block"
                            .formatted(layers, kvHeads, headDim, blockTokens));
        }
        Math.multiplyExact(
                Math.multiplyExact(kvHeads, headDim), Math.multiplyExact(blockTokens, 8));
    }

    /** Elements of K (or of V) of one token in one layer. */
    public int tokenElements() {
        return kvHeads * headDim;
    }

    /** Bytes of one head's K (or V) of one token in one layer. */
    public int rowBytes() {
        return headDim * dtype.bytes() + (dtype == KvDtype.INT8 ? Float.BYTES : 0);
    }

    /** Bytes of K and V of one block in one layer. */
    public int blockLayerBytes() {
        return 2 * kvHeads * blockTokens * rowBytes();
    }

    /** Bytes of one block over all layers. */
    public long blockBytes() {
        return (long) blockLayerBytes() * layers;
    }

    /** Blocks that hold {@code tokens} tokens. */
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, blockTokens);
    }
}

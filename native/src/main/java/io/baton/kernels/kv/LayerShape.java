package io.baton.kernels.kv;

/**
 * One layer of consecutive blocks of 16-bit KV: of each block K {@code [heads][tokens][dim]}, then
 * V the same.
 *
 * @param blocks at least 1
 * @param blockTokens tokens of a block, at least 1
 * @param heads KV heads, at least 1
 * @param dim elements of a head, at least 1
 * @param half f16; else bf16
 */
public record LayerShape(int blocks, int blockTokens, int heads, int dim, boolean half) {
    public LayerShape {
        if (blocks < 1 || blockTokens < 1 || heads < 1 || dim < 1) {
            throw new IllegalArgumentException(
                    "%d blocks of %d tokens, %d heads of %d"
                            .formatted(blocks, blockTokens, heads, dim));
        }
        // Every index below fits, with room for the padding of runs.
        Math.multiplyExact(
                Math.multiplyExact(blocks, blockTokens),
                Math.multiplyExact(Math.multiplyExact(8, heads), dim));
    }

    /** Tokens of all blocks. */
    public int tokens() {
        return blocks * blockTokens;
    }

    /** Channels of K, and as many of V. */
    public int channels() {
        return heads * dim;
    }

    /** Values of K and V. */
    public int values() {
        return 2 * tokens() * channels();
    }

    /** Where the row of a token begins in the raw order. */
    int row(boolean value, int head, int token) {
        int block = token / blockTokens;
        int of = (2 * block + (value ? 1 : 0)) * heads + head;
        return (of * blockTokens + token % blockTokens) * dim;
    }
}

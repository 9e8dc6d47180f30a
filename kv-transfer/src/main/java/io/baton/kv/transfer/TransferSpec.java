package io.baton.kv.transfer;

import io.baton.common.kv.KvLayout;

/**
 * What will be sent: layers 0.. of the blocks that hold tokens {@code [fromToken, toToken)} of one
 * sequence.
 *
 * @param layout negotiated shape; bounds every allocation
 * @param chunkTokens tokens per chunk, a multiple of the block
 * @param fromToken first token that the receiver lacks, a multiple of the block
 * @param toToken known tokens of the sequence
 */
public record TransferSpec(KvLayout layout, int chunkTokens, int fromToken, int toToken) {
    public TransferSpec {
        if (chunkTokens <= 0
                || chunkTokens % layout.blockTokens() != 0
                || fromToken < 0
                || fromToken % layout.blockTokens() != 0
                || toToken <= fromToken) {
            throw new IllegalArgumentException(
                    "bad transfer: tokens [%d, %d), chunk %d, block %d"
                            .formatted(fromToken, toToken, chunkTokens, layout.blockTokens()));
        }
    }
}

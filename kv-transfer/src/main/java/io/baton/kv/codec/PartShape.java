package io.baton.kv.codec;

import io.baton.common.kv.KvLayout;

/**
 * The shape of one part: {@code layerCount} layers of {@code blocks} consecutive blocks. Raw bytes
 * lie layer after layer, and in each layer block after block, as in {@link KvLayout}.
 *
 * @param layout negotiated layout
 * @param firstLayer first layer
 * @param layerCount layers, at least 1
 * @param firstToken position of the first token: what a codec needs to turn keys back before RoPE
 * @param blocks consecutive blocks, at least 1
 */
public record PartShape(
        KvLayout layout, int firstLayer, int layerCount, int firstToken, int blocks) {
    /** Bytes of the part in the pool's format. */
    public long rawBytes() {
        return Math.multiplyExact((long) layout.blockLayerBytes() * layerCount, (long) blocks);
    }
}

package io.baton.kernels;

import io.baton.common.kv.KvLayout;

/**
 * The pool's memory: {@code blocks} blocks in the layout of {@link KvLayout}, layer-major. Block b
 * of layer l starts at {@code (l * blocks + b) * layout.blockLayerBytes()}.
 */
public record KvPages(Buffer buffer, KvLayout layout, int blocks) {
    public KvPages {
        long need = Math.multiplyExact(layout.blockBytes(), (long) blocks);
        if (buffer.bytes() < need) {
            throw new IllegalArgumentException(
                    "%d blocks need %d bytes, the buffer has %d"
                            .formatted(blocks, need, buffer.bytes()));
        }
    }

    /** Byte offset of block {@code block} in layer {@code layer}. */
    public long offset(int layer, int block) {
        return ((long) layer * blocks + block) * layout.blockLayerBytes();
    }
}

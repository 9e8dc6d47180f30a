package io.baton.kv.transfer;

import java.util.BitSet;

/** Which layers of which blocks have arrived. Not safe for several threads. */
final class Coverage {
    private final int layers;
    private final int blocks;
    private final BitSet arrived;
    private final int[] layersOfBlock;
    private long missing;
    private int leading;

    Coverage(int layers, int blocks) {
        this.layers = layers;
        this.blocks = blocks;
        this.arrived = new BitSet(Math.multiplyExact(layers, blocks));
        this.layersOfBlock = new int[blocks];
        this.missing = (long) layers * blocks;
    }

    boolean has(int layer, int block) {
        return arrived.get(layer * blocks + block);
    }

    /** Marks one layer of one block that was missing. */
    void add(int layer, int block) {
        arrived.set(layer * blocks + block);
        layersOfBlock[block]++;
        missing--;
        while (leading < blocks && layersOfBlock[leading] == layers) {
            leading++;
        }
    }

    boolean isComplete() {
        return missing == 0;
    }

    /** Block layers that have not arrived. */
    long missing() {
        return missing;
    }

    /** Blocks from the first on that are complete in every layer. */
    int leadingBlocks() {
        return leading;
    }
}

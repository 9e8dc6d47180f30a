package io.baton.kv.codec;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kernels.kv.LayerShape;

/**
 * A part's values by channel: a row for each layer, K or V, head and dimension, a column for each
 * token. The raw order is another: layer, block, K or V, head, token, dimension.
 *
 * @param part of a layout without scales among its elements
 */
record Channels(PartShape part) {
    /** Rows. */
    int rows() {
        return 2 * part.layerCount() * part.layout().tokenElements();
    }

    /** Columns. */
    int columns() {
        return Math.multiplyExact(part.blocks(), part.layout().blockTokens());
    }

    /** Values in all. */
    int values() {
        return Math.multiplyExact(rows(), columns());
    }

    /** Whether a row is one of keys. */
    boolean isKey(int row) {
        int elements = part.layout().tokenElements();
        return row / elements % 2 == 0;
    }

    /** One layer. */
    LayerShape layer() {
        KvLayout layout = part.layout();
        return new LayerShape(
                part.blocks(),
                layout.blockTokens(),
                layout.kvHeads(),
                layout.headDim(),
                layout.dtype() == KvDtype.F16);
    }
}

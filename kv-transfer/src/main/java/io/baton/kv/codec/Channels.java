package io.baton.kv.codec;

import io.baton.common.kv.KvLayout;

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

    /** What is done with each value. */
    @FunctionalInterface
    interface Visitor {
        /**
         * @param raw index of the value in the raw order
         * @param byChannel {@code row * columns + column}
         */
        void visit(int raw, int byChannel);
    }

    /** Visits all values in the raw order. */
    void forEach(Visitor visitor) {
        KvLayout layout = part.layout();
        int columns = columns();
        int raw = 0;
        for (int layer = 0; layer < part.layerCount(); layer++) {
            for (int block = 0; block < part.blocks(); block++) {
                for (int head = 0; head < 2 * layout.kvHeads(); head++) {
                    int row = (2 * layout.kvHeads() * layer + head) * layout.headDim();
                    for (int token = 0; token < layout.blockTokens(); token++) {
                        int at = row * columns + block * layout.blockTokens() + token;
                        for (int d = 0; d < layout.headDim(); d++) {
                            visitor.visit(raw++, at + d * columns);
                        }
                    }
                }
            }
        }
    }
}

package io.baton.kernels.host;

import io.baton.kernels.Weight;

/**
 * A host provider's weight that gives its rows back as float32: embedding tables, gains, biases.
 */
public interface RowWeight extends Weight {
    /** Writes one row; {@code out} has as many elements as the weight has columns. */
    void row(int row, float[] out);
}

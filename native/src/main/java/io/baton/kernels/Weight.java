package io.baton.kernels;

import io.baton.common.model.TensorType;

/**
 * A weight matrix in a provider's own form (repacked, dequantised or as it was), {@code [rows,
 * cols]}: output features by input features. A vector has one row. Immutable; shared by all queues.
 */
public interface Weight {
    TensorType type();

    int rows();

    int cols();

    /** Bytes that the provider holds for it beyond the mapped file. */
    long residentBytes();
}

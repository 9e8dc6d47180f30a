package io.baton.kernels;

/**
 * A float32 matrix of activations in a provider's buffer, row-major and dense, starting at the
 * buffer's first byte. An operation over a batch uses its first {@code rows} rows.
 *
 * @param buffer at least {@code 4 * maxRows * cols} bytes
 * @param maxRows capacity in rows
 * @param cols elements per row
 */
public record Tensor(Buffer buffer, int maxRows, int cols) {
    public Tensor {
        if (buffer.bytes() < 4L * maxRows * cols) {
            throw new IllegalArgumentException(
                    "%d x %d floats need %d bytes, the buffer has %d"
                            .formatted(maxRows, cols, 4L * maxRows * cols, buffer.bytes()));
        }
    }
}

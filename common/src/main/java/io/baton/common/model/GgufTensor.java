package io.baton.common.model;

import java.lang.foreign.MemorySegment;

/**
 * A tensor of a model file.
 *
 * @param name such as {@code blk.0.attn_q.weight}
 * @param type format of the elements
 * @param dims sizes in ggml's order: {@code dims[0]} is innermost, the input features of a matrix
 * @param data exactly the tensor's bytes, read-only; valid while the file is open
 */
public record GgufTensor(String name, TensorType type, long[] dims, MemorySegment data) {
    /** Elements of the innermost dimension. */
    public int cols() {
        return Math.toIntExact(dims[0]);
    }

    /** Product of the outer dimensions; 1 for a vector. */
    public int rows() {
        long rows = 1;
        for (int i = 1; i < dims.length; i++) {
            rows = Math.multiplyExact(rows, dims[i]);
        }
        return Math.toIntExact(rows);
    }

    /** Elements in all. */
    public long elements() {
        return Math.multiplyExact((long) rows(), (long) cols());
    }

    /** As {@code Q8_0 [576, 49152]}, for messages. */
    public String shape() {
        return type + " " + java.util.Arrays.toString(dims);
    }
}

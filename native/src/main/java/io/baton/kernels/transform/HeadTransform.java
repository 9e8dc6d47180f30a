package io.baton.kernels.transform;

import java.lang.foreign.MemorySegment;

/**
 * Turns one head's keys or values into rounded coefficients, and back. With {@code x} one token's
 * row of {@code headDim} elements in float32, turned back by its position where it is a key:
 *
 * <pre>
 *   y[j] = offset[j] + sum over d of forward[j][d] * x[d]          q[j] = round(y[j] / step)
 *   x'[d] = mean[d]  + sum over j of inverse[d][j] * (q[j] * step)
 * </pre>
 *
 * Every sum is a chain of fused multiply-adds in ascending order of its index, rounding is to
 * nearest even and the quotient is a product with {@code 1 / step}: all implementations give the
 * same bits.
 *
 * <p>Symbols are signed bytes: {@code q} where {@code -bound <= q <= bound}, else -128, and q
 * follows among the escapes, 16 bits each, cut to their range; in the order of blocks, then
 * coefficients, then tokens. Memory is native and little-endian; floats lie at addresses that 4
 * divides. No state, any thread.
 */
public interface HeadTransform {
    /** Tokens of a block: of raw rows, and of turns. */
    int BLOCK_TOKENS = 16;

    /** The symbol of what is beyond its bound. */
    byte ESCAPE = -128;

    /** Largest bound. */
    int MAX_BOUND = 127;

    /** Elements of the largest head. */
    int MAX_HEAD_DIM = 512;

    /**
     * What one head is transformed with.
     *
     * @param headDim elements of a row
     * @param kept coefficients that are coded, the first ones
     * @param matrices its matrices
     * @param step of the rounding, above 0
     */
    record Head(int headDim, int kept, Matrices matrices, float step) {}

    /**
     * Float32 matrices of one head.
     *
     * @param forward {@code [headDim, headDim]}, a row for each coefficient
     * @param offset {@code [headDim]}
     * @param inverse {@code [headDim, headDim]}, a row for each element
     * @param mean {@code [headDim]}
     */
    record Matrices(
            MemorySegment forward,
            MemorySegment offset,
            MemorySegment inverse,
            MemorySegment mean) {}

    /**
     * Rotation by position: pair i is turned back by its angle when coded and forth when decoded.
     *
     * @param rotated elements that are rotated, even; 0 for none, as with values
     * @param interleaved pairs are (2i, 2i + 1), else (i, i + rotated / 2)
     * @param cos {@code [blocks, rotated / 2, 16]}
     * @param sin the same
     */
    record Turn(int rotated, boolean interleaved, MemorySegment cos, MemorySegment sin) {
        /** No rotation. */
        public static final Turn NONE = new Turn(0, false, MemorySegment.NULL, MemorySegment.NULL);
    }

    /**
     * One head's rows as the pool has them.
     *
     * @param memory from the first row of the first block on
     * @param strideBytes from one block's rows to the next's
     * @param blocks of 16 rows each
     * @param half whether elements are float16, else bfloat16
     */
    record Rows(MemorySegment memory, long strideBytes, int blocks, boolean half) {}

    /**
     * Where symbols go to or come from.
     *
     * @param memory rows of {@code columns} bytes
     * @param columns bytes of a row, {@code 16 * blocks}
     * @param rowOf of each kept coefficient its row, 32 bits each
     * @param bounds of each kept coefficient its bound, a byte each
     * @param escapes 16 bits each
     */
    record Symbols(
            MemorySegment memory,
            int columns,
            MemorySegment rowOf,
            MemorySegment bounds,
            MemorySegment escapes) {}

    /**
     * Codes a head.
     *
     * @param skipped tokens at the beginning, at most 16, whose coefficients become 0 whatever they
     *     are
     * @return how many escapes were written, -1 if there was no room for all
     */
    int forward(Head head, Turn turn, Rows rows, int skipped, Symbols symbols);

    /**
     * Decodes a head. Symbols and escapes may be anything.
     *
     * @return how many escapes were read, -1 if too few were there
     */
    int inverse(Head head, Turn turn, Symbols symbols, Rows rows);
}

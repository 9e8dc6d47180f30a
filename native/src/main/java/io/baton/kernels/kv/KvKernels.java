package io.baton.kernels.kv;

import io.baton.kernels.entropy.RansCoder;
import java.lang.foreign.MemorySegment;

/**
 * Work on every value of one layer of 16-bit KV. All implementations give the same bytes: sums are
 * taken in a fixed order and nothing is contracted. Memory is native, raw values little-endian and
 * at an address that 2 divides.
 *
 * <p>Safe for any thread.
 */
public interface KvKernels {
    /** Bytes of memory that the functions on a {@link LayerShape} alone work in. */
    static long workBytes(LayerShape layer) {
        return AnchorPlan.FIELD_BYTES + 4L * 3 * layer.channels();
    }

    /**
     * Takes bits 7 to 14 of every value, and the other bits.
     *
     * @param exponents a byte for every value: a row for each channel, K first, of a byte for each
     *     token
     * @param low a byte for every value in the raw order: bit 15, then bits 6 to 0
     * @param work {@link #workBytes} bytes at an address that 4 divides
     */
    void split(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment work);

    /** Undoes {@link #split}. */
    void merge(
            LayerShape layer,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment raw,
            MemorySegment work);

    /**
     * Adds the symbols of rows to the counts of their tables.
     *
     * @param counts 256 of 32 bits for each table
     */
    void count(RansCoder.Rows rows, MemorySegment symbols, MemorySegment counts);

    /**
     * Sums rows of bytes.
     *
     * @param sums 32 bits for each row
     */
    void sums(int rows, int columns, MemorySegment symbols, MemorySegment sums);

    /**
     * Codes by anchors.
     *
     * @param coded room for what it gives
     * @param work {@link AnchorPlan#workBytes} bytes at an address that 4 divides
     * @return false, and nothing to be used, if the layer has a value that is not finite, or is
     *     2^24 or more
     */
    boolean quantise(AnchorPlan plan, MemorySegment raw, Coded coded, MemorySegment work);

    /** Writes the coded tokens' rows into {@code raw}, and no others. Takes any bytes. */
    void dequantise(AnchorPlan plan, Coded coded, MemorySegment raw, MemorySegment work);

    /**
     * What coding by anchors gives: see {@link AnchorPlan}.
     *
     * @param side codes of the steps of K's anchors, codes of the steps of K, and shares of the
     *     anchor in halves (K's in bits 0 and 1, V's in bits 2 and 3): a byte for each channel each
     * @param symbols runs
     * @param low bits, run by run
     */
    record Coded(MemorySegment side, MemorySegment symbols, MemorySegment low) {
        /** Refuses too little memory. */
        public void requireRoom(AnchorPlan plan) {
            if (side.byteSize() < plan.sideBytes()
                    || symbols.byteSize() < plan.symbols()
                    || low.byteSize() < plan.lowBytes()) {
                throw new IndexOutOfBoundsException("too little memory for " + plan);
            }
        }
    }

    /** Number of scales of {@link #toBytes}. */
    static int scales(LayerShape layer) {
        return layer.channels() + layer.heads() * layer.tokens();
    }

    /**
     * Codes values as bytes, 128 for zero.
     *
     * @param scales upper halves of float32: one for each channel of K, then one for each row of V
     * @param symbols a byte for every value in the raw order
     * @param work {@link #workBytes} bytes
     * @return false, and nothing to be used, if the layer has a value that is not finite, or is
     *     2^24 or more
     */
    boolean toBytes(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment work);

    /**
     * Undoes {@link #toBytes} as far as it can be undone.
     *
     * @return false, and nothing to be used, if a scale is one that {@link #toBytes} cannot give
     */
    boolean fromBytes(
            LayerShape layer,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment raw,
            MemorySegment work);
}

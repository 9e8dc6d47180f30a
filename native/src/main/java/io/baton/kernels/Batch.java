package io.baton.kernels;

/**
 * The tokens of one step: spans of sequences, one after the other. Row r of every activation
 * belongs to {@code tokens[r]}. The arrays are read, never written, and must not change during the
 * step.
 *
 * @param tokens token ids, one per row
 * @param spans in row order, covering all rows without gaps
 */
public record Batch(int[] tokens, Span[] spans) {
    /**
     * Consecutive tokens of one sequence. They attend to everything before them and, causally, to
     * each other.
     *
     * @param firstRow row of its first token
     * @param rows number of tokens
     * @param firstPosition position in its sequence of its first token
     * @param blocks the sequence's block table: block i holds positions {@code [16 i, 16 i + 16)};
     *     long enough for {@code firstPosition + rows}
     */
    public record Span(int firstRow, int rows, int firstPosition, int[] blocks) {}

    public Batch {
        int row = 0;
        for (Span span : spans) {
            if (span.firstRow() != row || span.rows() <= 0 || span.firstPosition() < 0) {
                throw new IllegalArgumentException("spans must cover the rows in order");
            }
            row += span.rows();
        }
        if (row != tokens.length) {
            throw new IllegalArgumentException(
                    "spans cover %d rows, there are %d tokens".formatted(row, tokens.length));
        }
    }

    public int rows() {
        return tokens.length;
    }
}

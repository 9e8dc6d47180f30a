package io.baton.common.grammar;

/**
 * Which tokens may come next, a bit each. Not to be changed; valid until the next question to the
 * {@link TokenConstraint} that gave it.
 *
 * @param words bit {@code token & 63} of word {@code token >> 6}
 */
public record TokenMask(long[] words) {
    /** Whether a token may come next; ids beyond the vocabulary may not. */
    public boolean allows(int token) {
        return token >>> 6 < words.length && (words[token >>> 6] >>> token & 1) != 0;
    }

    /** How many tokens may come next. */
    public int count() {
        int count = 0;
        for (long word : words) {
            count += Long.bitCount(word);
        }
        return count;
    }
}

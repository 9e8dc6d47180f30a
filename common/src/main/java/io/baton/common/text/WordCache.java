package io.baton.common.text;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Words and their ids, direct-mapped and of fixed size. Entries are immutable and published through
 * a plain array: a race costs a recomputation at most, never a wrong answer. Safe for any thread.
 */
final class WordCache {
    /** UTF-16 units of the longest word that is remembered. */
    static final int MAX_LENGTH = 32;

    private static final int BITS = 15;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final @Nullable Word[] words = new Word[1 << BITS];

    private record Word(char[] text, int[] ids) {}

    private static int slot(char[] text, int from, int to) {
        return (int) (TokenTable.hash(text, from, to) * MIX >>> (64 - BITS));
    }

    /** Appends a word's ids if they are remembered. */
    boolean append(char[] text, int from, int to, TokenList out) {
        if (to - from > MAX_LENGTH) {
            return false;
        }
        Word word = words[slot(text, from, to)];
        if (word == null || !Arrays.equals(word.text, 0, word.text.length, text, from, to)) {
            return false;
        }
        out.addAll(word.ids);
        return true;
    }

    /** Remembers a word whose ids are the last ones of {@code out}, from {@code start} on. */
    void remember(char[] text, int from, int to, TokenList out, int start) {
        if (to - from <= MAX_LENGTH) {
            words[slot(text, from, to)] =
                    new Word(Arrays.copyOfRange(text, from, to), out.copyFrom(start));
        }
    }
}

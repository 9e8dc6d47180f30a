package io.baton.common.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The log probability of one token, as answers report it.
 *
 * @param text the token's own text; a part of a character shows as U+FFFD
 * @param bytes the token's own bytes
 * @param logprob natural log, at most 0; null for the first token of an echoed prompt
 * @param textOffset where the token begins in the answer's visible text (completions)
 * @param top alternatives, best first
 */
public record TokenLogprob(
        String text, byte[] bytes, @Nullable Float logprob, int textOffset, List<Alternative> top) {
    /** An alternative at the same place. */
    public record Alternative(String text, byte[] bytes, float logprob) {}

    public TokenLogprob {
        top = List.copyOf(top);
    }
}

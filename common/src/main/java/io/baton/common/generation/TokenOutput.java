package io.baton.common.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One generated token.
 *
 * @param index its place among the generated tokens, from 0, without gaps
 * @param token its id
 * @param logprob natural log of its probability before temperature and truncation, over the whole
 *     vocabulary; 0 when no logprobs were asked for
 * @param top the most probable tokens, best first; empty when none were asked for
 * @param logitsSha256 64 hex characters over the float32 logits of the step, only with {@code
 *     --debug-logits}
 */
public record TokenOutput(
        int index, int token, float logprob, List<TopToken> top, @Nullable String logitsSha256) {
    /** An alternative and the natural log of its probability. */
    public record TopToken(int token, float logprob) {}

    public TokenOutput {
        top = List.copyOf(top);
    }
}

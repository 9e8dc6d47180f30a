package io.baton.router.dispatch;

import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;

/**
 * Takes a sequence's tokens, on the sequence's thread. May block to slow the sequence down; throws
 * CLIENT_CLOSED when nobody listens any more.
 */
public interface SequenceSink {
    /**
     * Tokens of the prompt with their log probabilities, where they were asked for: all but the
     * first, before the first token of the answer. What comes again after a worker was lost is the
     * same.
     */
    void prompt(int choice, PromptTokens tokens);

    /** The next token; indices have no gap and no repeat. */
    void token(int choice, Token token);

    /** The answer is complete. */
    void finished(int choice, Finished finished);
}

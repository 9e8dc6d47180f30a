package io.baton.router.dispatch;

import io.baton.common.proto.Finished;
import io.baton.common.proto.Token;

/**
 * Takes a sequence's tokens, on the sequence's thread. May block to slow the sequence down; throws
 * CLIENT_CLOSED when nobody listens any more.
 */
public interface SequenceSink {
    /** The next token; indices have no gap and no repeat. */
    void token(int choice, Token token);

    /** The answer is complete. */
    void finished(int choice, Finished finished);
}

package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import java.util.List;

/**
 * Hears what happens to one sequence. Called on the engine's thread: return at once, never block.
 */
public interface SequenceListener {
    /** The first step with this sequence begins; queueing is over. */
    default void onStarted() {}

    /**
     * One layer's KV of the known tokens {@code [fromToken, toToken)} is in the pool and will not
     * change. Calls come layer by layer within a step and in token order between steps.
     */
    default void onLayer(int layer, int fromToken, int toToken) {}

    /**
     * Consecutive tokens of the prompt with their log probabilities, where {@link
     * io.baton.common.generation.SamplingParams#promptLogprobs} asks for them: all but the first
     * token, in order, each once, before any sampled token. {@code index} is the place in the
     * prompt.
     */
    default void onPromptTokens(List<TokenOutput> tokens) {}

    /**
     * A token was sampled. Before index 0, all KV of the known tokens is written.
     *
     * @return false to end the sequence here with {@link FinishReason#STOP} (a stop text was found)
     */
    boolean onToken(TokenOutput token);

    /** The sequence ended by itself. Nothing follows. */
    void onFinished(FinishReason reason);

    /** The sequence failed. Nothing follows. */
    void onError(BatonException error);
}

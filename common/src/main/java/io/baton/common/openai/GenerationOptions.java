package io.baton.common.openai;

import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What chat and completion requests have in common.
 *
 * @param model the served name asked for, null if left out
 * @param maxTokens tokens to generate at most; empty if left out
 * @param n answers per prompt, 1 to {@link #MAX_CHOICES}
 * @param addSpecialTokens whether BOS is added where the model wants it
 */
public record GenerationOptions(
        @Nullable String model,
        OptionalInt maxTokens,
        int n,
        boolean addSpecialTokens,
        Streaming streaming,
        SamplingOptions sampling,
        Labels labels,
        Service service) {
    /** Most answers per prompt. */
    public static final int MAX_CHOICES = 16;

    /** Most answers over all prompts of a request. */
    public static final int MAX_SEQUENCES = 128;

    /**
     * How the answer is delivered.
     *
     * @param stream server-sent events
     * @param includeUsage one more chunk with the usage before the end
     * @param continuousUsage usage so far in every chunk
     */
    public record Streaming(boolean stream, boolean includeUsage, boolean continuousUsage) {}

    /**
     * When it is served; the answer does not depend on it.
     *
     * @param priority lower goes first
     * @param deadlineMillis from arrival to the whole answer; empty for the router's own limit
     * @param speculate whether tokens may be drafted
     */
    public record Service(int priority, OptionalLong deadlineMillis, boolean speculate) {}

    /**
     * Names that a client gives: never a path, never logged raw beyond their allowed characters.
     *
     * @param requestId 1 to 128 of {@code A-Z a-z 0-9 . _ : -}
     * @param sessionId 1 to 256 characters
     * @param cacheSalt 1 to 256 characters
     */
    public record Labels(
            @Nullable String requestId, @Nullable String sessionId, @Nullable String cacheSalt) {}
}

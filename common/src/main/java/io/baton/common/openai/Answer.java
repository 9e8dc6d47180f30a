package io.baton.common.openai;

import io.baton.common.generation.FinishReason;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parts of an answer, independent of the endpoint's JSON. */
public final class Answer {
    private Answer() {}

    /**
     * What every chunk and answer repeats.
     *
     * @param id {@code chatcmpl-...} or {@code cmpl-...}, constant over a stream
     * @param createdSeconds wall clock, seconds since 1970
     * @param model the name that the client asked for
     * @param fingerprint OpenAI's {@code system_fingerprint}
     */
    public record Head(String id, long createdSeconds, String model, String fingerprint) {}

    /**
     * Why a choice ended.
     *
     * @param stopText the stop text that ended it, if one did
     * @param stopToken the stop token that ended it, if one did
     */
    public record End(
            FinishReason reason, @Nullable String stopText, @Nullable Integer stopToken) {}

    /**
     * Text that is added to one choice of a stream; logprobs are null where none were asked for.
     */
    public record Delta(int choice, String text, @Nullable List<TokenLogprob> logprobs) {}

    /** One complete choice; logprobs are null where none were asked for. */
    public record Choice(int index, String text, @Nullable List<TokenLogprob> logprobs, End end) {}
}

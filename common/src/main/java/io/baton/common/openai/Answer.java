package io.baton.common.openai;

import io.baton.common.generation.FinishReason;
import io.baton.common.tools.ToolEvent;
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
     * What is added to one choice of a stream.
     *
     * @param tools beginnings and arguments of calls, in order
     * @param logprobs null where none were asked for
     */
    public record Delta(
            int choice, String text, List<ToolEvent> tools, @Nullable List<TokenLogprob> logprobs) {
        public Delta {
            tools = List.copyOf(tools);
        }

        /** Text alone. */
        public Delta(int choice, String text, @Nullable List<TokenLogprob> logprobs) {
            this(choice, text, List.of(), logprobs);
        }
    }

    /**
     * One complete choice.
     *
     * @param calls of tools
     * @param logprobs null where none were asked for
     */
    public record Choice(
            int index,
            String text,
            List<ChatMessage.Call> calls,
            @Nullable List<TokenLogprob> logprobs,
            End end) {
        public Choice {
            calls = List.copyOf(calls);
        }

        /** Text alone. */
        public Choice(int index, String text, @Nullable List<TokenLogprob> logprobs, End end) {
            this(index, text, List.of(), logprobs, end);
        }
    }
}

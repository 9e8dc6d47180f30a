package io.baton.common.openai;

import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.Answer.Head;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Writes answers as one endpoint's JSON. One object per answer; stateless after construction. */
public sealed interface AnswerJson permits ChatJson, CompletionJson {
    /** The writer for an endpoint. */
    static AnswerJson of(Endpoint endpoint, Head head) {
        return switch (endpoint) {
            case CHAT -> new ChatJson(head);
            case COMPLETIONS -> new CompletionJson(head);
        };
    }

    /** The chunk that opens a choice in a stream, where the endpoint has one. */
    Optional<byte[]> open(int choice, @Nullable Usage soFar);

    /** A chunk with text. */
    byte[] delta(Delta delta, @Nullable Usage soFar);

    /** The last chunk of a choice: its finish reason and no text. */
    byte[] finish(int choice, End end, @Nullable Usage soFar);

    /** The chunk with the usage that ends a stream, if it was asked for. */
    byte[] usage(Usage usage);

    /** The whole answer. */
    byte[] whole(List<Choice> choices, Usage usage);
}

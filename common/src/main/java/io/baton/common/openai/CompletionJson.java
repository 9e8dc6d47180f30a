package io.baton.common.openai;

import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.Answer.Head;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Answers of {@code /v1/completions}. */
record CompletionJson(Head head) implements AnswerJson {
    private static final String KIND = "text_completion";

    @Override
    public Optional<byte[]> open(int choice, @Nullable Usage soFar) {
        return Optional.empty();
    }

    @Override
    public byte[] delta(Delta delta, @Nullable Usage soFar) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, KIND);
                    json.writeArrayPropertyStart("choices");
                    choice(json, delta.choice(), delta.text(), delta.logprobs(), null);
                    json.writeEndArray();
                    JsonBytes.usage(json, soFar);
                });
    }

    @Override
    public byte[] finish(int choice, End end, @Nullable Usage soFar) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, KIND);
                    json.writeArrayPropertyStart("choices");
                    choice(json, choice, "", null, end);
                    json.writeEndArray();
                    JsonBytes.usage(json, soFar);
                });
    }

    @Override
    public byte[] usage(Usage usage) {
        return whole(List.of(), usage);
    }

    @Override
    public byte[] whole(List<Choice> choices, Usage usage) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, KIND);
                    json.writeArrayPropertyStart("choices");
                    for (Choice choice : choices) {
                        choice(
                                json,
                                choice.index(),
                                choice.text(),
                                choice.logprobs(),
                                choice.end());
                    }
                    json.writeEndArray();
                    JsonBytes.usage(json, usage);
                });
    }

    private static void choice(
            JsonGenerator json,
            int index,
            String text,
            @Nullable List<TokenLogprob> logprobs,
            @Nullable End end) {
        json.writeStartObject();
        json.writeNumberProperty("index", index);
        json.writeStringProperty("text", text);
        JsonBytes.completionLogprobs(json, logprobs);
        JsonBytes.end(json, end);
        json.writeEndObject();
    }
}

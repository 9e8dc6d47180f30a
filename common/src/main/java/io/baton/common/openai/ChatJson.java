package io.baton.common.openai;

import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.Answer.Head;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/chat/completions}. */
record ChatJson(Head head) implements AnswerJson {
    private static final String CHUNK = "chat.completion.chunk";

    @Override
    public Optional<byte[]> open(int choice, @Nullable Usage soFar) {
        return Optional.of(
                JsonBytes.object(
                        json -> {
                            JsonBytes.head(json, head, CHUNK);
                            json.writeArrayPropertyStart("choices");
                            json.writeStartObject();
                            json.writeNumberProperty("index", choice);
                            json.writeObjectPropertyStart("delta");
                            json.writeStringProperty("role", "assistant");
                            json.writeStringProperty("content", "");
                            json.writeEndObject();
                            JsonBytes.end(json, null);
                            json.writeEndObject();
                            json.writeEndArray();
                            JsonBytes.usage(json, soFar);
                        }));
    }

    @Override
    public byte[] delta(Delta delta, @Nullable Usage soFar) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, CHUNK);
                    json.writeArrayPropertyStart("choices");
                    json.writeStartObject();
                    json.writeNumberProperty("index", delta.choice());
                    json.writeObjectPropertyStart("delta");
                    json.writeStringProperty("content", delta.text());
                    json.writeEndObject();
                    if (delta.logprobs() != null) {
                        JsonBytes.chatLogprobs(json, delta.logprobs());
                    }
                    JsonBytes.end(json, null);
                    json.writeEndObject();
                    json.writeEndArray();
                    JsonBytes.usage(json, soFar);
                });
    }

    @Override
    public byte[] finish(int choice, End end, @Nullable Usage soFar) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, CHUNK);
                    json.writeArrayPropertyStart("choices");
                    json.writeStartObject();
                    json.writeNumberProperty("index", choice);
                    json.writeObjectPropertyStart("delta");
                    json.writeEndObject();
                    JsonBytes.end(json, end);
                    json.writeEndObject();
                    json.writeEndArray();
                    JsonBytes.usage(json, soFar);
                });
    }

    @Override
    public byte[] usage(Usage usage) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, CHUNK);
                    json.writeArrayPropertyStart("choices");
                    json.writeEndArray();
                    JsonBytes.usage(json, usage);
                });
    }

    @Override
    public byte[] whole(List<Choice> choices, Usage usage) {
        return JsonBytes.object(
                json -> {
                    JsonBytes.head(json, head, "chat.completion");
                    json.writeArrayPropertyStart("choices");
                    for (Choice choice : choices) {
                        json.writeStartObject();
                        json.writeNumberProperty("index", choice.index());
                        json.writeObjectPropertyStart("message");
                        json.writeStringProperty("role", "assistant");
                        json.writeStringProperty("content", choice.text());
                        json.writeNullProperty("refusal");
                        json.writeEndObject();
                        JsonBytes.chatLogprobs(json, choice.logprobs());
                        JsonBytes.end(json, choice.end());
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                    JsonBytes.usage(json, usage);
                });
    }
}

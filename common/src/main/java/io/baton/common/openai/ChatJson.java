package io.baton.common.openai;

import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.Answer.Head;
import io.baton.common.tools.ToolEvent;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

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
                    if (!delta.text().isEmpty() || delta.tools().isEmpty()) {
                        json.writeStringProperty("content", delta.text());
                    }
                    calls(json, delta.tools());
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

    /** A call's beginning has its id and name, what follows only its index. */
    private static void calls(JsonGenerator json, List<ToolEvent> events) {
        if (events.isEmpty()) {
            return;
        }
        json.writeArrayPropertyStart("tool_calls");
        for (ToolEvent event : events) {
            json.writeStartObject();
            switch (event) {
                case ToolEvent.Text _ ->
                        throw new IllegalArgumentException("text is no part of a call");
                case ToolEvent.Start(int index, String id, String name) -> {
                    json.writeNumberProperty("index", index);
                    json.writeStringProperty("id", id);
                    json.writeStringProperty("type", "function");
                    json.writeObjectPropertyStart("function");
                    json.writeStringProperty("name", name);
                    json.writeStringProperty("arguments", "");
                    json.writeEndObject();
                }
                case ToolEvent.Arguments(int index, String delta) -> {
                    json.writeNumberProperty("index", index);
                    json.writeObjectPropertyStart("function");
                    json.writeStringProperty("arguments", delta);
                    json.writeEndObject();
                }
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void wholeCalls(JsonGenerator json, List<ChatMessage.Call> calls) {
        if (calls.isEmpty()) {
            return;
        }
        json.writeArrayPropertyStart("tool_calls");
        for (ChatMessage.Call call : calls) {
            json.writeStartObject();
            json.writeStringProperty("id", call.id());
            json.writeStringProperty("type", "function");
            json.writeObjectPropertyStart("function");
            json.writeStringProperty("name", call.name());
            json.writeStringProperty("arguments", call.arguments());
            json.writeEndObject();
            json.writeEndObject();
        }
        json.writeEndArray();
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
                        if (choice.text().isEmpty() && !choice.calls().isEmpty()) {
                            json.writeNullProperty("content");
                        } else {
                            json.writeStringProperty("content", choice.text());
                        }
                        json.writeNullProperty("refusal");
                        wholeCalls(json, choice.calls());
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

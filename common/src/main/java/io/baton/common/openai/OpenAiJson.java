package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.generation.SamplingChoice;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The other answers of the endpoint: errors, models, tokens. */
public final class OpenAiJson {
    private OpenAiJson() {}

    /** {@code {"error": {message, type, param, code}}}. */
    public static byte[] error(BatonException error) {
        return JsonBytes.object(
                json -> {
                    json.writeObjectPropertyStart("error");
                    json.writeStringProperty("message", error.text());
                    json.writeStringProperty("type", error.code().type());
                    json.writeStringProperty("param", error.param());
                    json.writeStringProperty("code", error.code().code());
                    json.writeEndObject();
                });
    }

    /**
     * One entry of {@code /v1/models}.
     *
     * @param root the name that the model itself has
     * @param recommended what requests get that leave sampling to the model
     */
    public record Model(
            String id,
            String root,
            long createdSeconds,
            int maxModelLen,
            SamplingChoice recommended) {}

    /** {@code /v1/models}. */
    public static byte[] models(List<Model> models) {
        return JsonBytes.object(
                json -> {
                    json.writeStringProperty("object", "list");
                    json.writeArrayPropertyStart("data");
                    for (Model model : models) {
                        json.writeStartObject();
                        fields(json, model);
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                });
    }

    /** {@code /v1/models/ID}. */
    public static byte[] model(Model model) {
        return JsonBytes.object(json -> fields(json, model));
    }

    private static void fields(JsonGenerator json, Model model) {
        json.writeStringProperty("id", model.id());
        json.writeStringProperty("object", "model");
        json.writeNumberProperty("created", model.createdSeconds());
        json.writeStringProperty("owned_by", "baton");
        json.writeStringProperty("root", model.root());
        json.writeNumberProperty("max_model_len", model.maxModelLen());
        json.writeObjectPropertyStart("default_sampling_params");
        SamplingChoice said = model.recommended();
        number(json, "temperature", said.temperature());
        said.topK().ifPresent(count -> json.writeNumberProperty("top_k", count));
        number(json, "top_p", said.topP());
        number(json, "min_p", said.minP());
        number(json, "repetition_penalty", said.repetitionPenalty());
        json.writeEndObject();
    }

    /** As a float32, which is what is used. */
    private static void number(JsonGenerator json, String name, OptionalDouble value) {
        value.ifPresent(given -> json.writeNumberProperty(name, (float) given));
    }

    /** The answer of {@code /tokenize}; {@code strings} is null where none were asked for. */
    public static byte[] tokenized(int[] tokens, int maxModelLen, @Nullable List<String> strings) {
        return JsonBytes.object(
                json -> {
                    json.writeNumberProperty("count", tokens.length);
                    json.writeNumberProperty("max_model_len", maxModelLen);
                    json.writeName("tokens");
                    json.writeArray(tokens, 0, tokens.length);
                    if (strings == null) {
                        json.writeNullProperty("token_strs");
                        return;
                    }
                    json.writeArrayPropertyStart("token_strs");
                    strings.forEach(json::writeString);
                    json.writeEndArray();
                });
    }

    /** The answer of {@code /detokenize}: vLLM's {@code prompt} and llama.cpp's {@code content}. */
    public static byte[] detokenized(String text) {
        return JsonBytes.object(
                json -> {
                    json.writeStringProperty("prompt", text);
                    json.writeStringProperty("content", text);
                });
    }

    /** Any plain value (maps, lists, texts, numbers, booleans, null, records) as JSON. */
    public static byte[] plain(Map<String, ? extends @Nullable Object> value) {
        return StrictJson.mapper().writeValueAsBytes(value);
    }
}

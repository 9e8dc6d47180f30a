package io.baton.common.openai;

import java.io.ByteArrayOutputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Writes JSON to bytes, and the parts that both endpoints share. */
final class JsonBytes {
    private JsonBytes() {}

    /** Writes the inside of one object. */
    @FunctionalInterface
    interface Body {
        void write(JsonGenerator json);
    }

    static byte[] object(Body body) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator json = StrictJson.mapper().createGenerator(out)) {
            json.writeStartObject();
            body.write(json);
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    static void head(JsonGenerator json, Answer.Head head, String kind) {
        json.writeStringProperty("id", head.id());
        json.writeStringProperty("object", kind);
        json.writeNumberProperty("created", head.createdSeconds());
        json.writeStringProperty("model", head.model());
        json.writeStringProperty("system_fingerprint", head.fingerprint());
    }

    static void usage(JsonGenerator json, @Nullable Usage usage) {
        if (usage == null) {
            return;
        }
        json.writeObjectPropertyStart("usage");
        json.writeNumberProperty("prompt_tokens", usage.promptTokens());
        json.writeNumberProperty("completion_tokens", usage.completionTokens());
        json.writeNumberProperty("total_tokens", usage.promptTokens() + usage.completionTokens());
        json.writeObjectPropertyStart("prompt_tokens_details");
        json.writeNumberProperty("cached_tokens", usage.cachedTokens());
        json.writeEndObject();
        json.writeEndObject();
    }

    static void end(JsonGenerator json, Answer.@Nullable End end) {
        if (end == null) {
            json.writeNullProperty("finish_reason");
            return;
        }
        json.writeStringProperty("finish_reason", end.reason().wire());
        if (end.stopText() != null) {
            json.writeStringProperty("stop_reason", end.stopText());
        } else if (end.stopToken() != null) {
            json.writeNumberProperty("stop_reason", end.stopToken());
        } else {
            json.writeNullProperty("stop_reason");
        }
    }

    /** Chat's style of log probabilities. */
    static void chatLogprobs(JsonGenerator json, @Nullable List<TokenLogprob> logprobs) {
        if (logprobs == null) {
            json.writeNullProperty("logprobs");
            return;
        }
        json.writeObjectPropertyStart("logprobs");
        json.writeArrayPropertyStart("content");
        for (TokenLogprob token : logprobs) {
            json.writeStartObject();
            entry(json, token.text(), token.bytes(), token.logprob());
            json.writeArrayPropertyStart("top_logprobs");
            for (TokenLogprob.Alternative other : token.top()) {
                json.writeStartObject();
                entry(json, other.text(), other.bytes(), other.logprob());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeNullProperty("refusal");
        json.writeEndObject();
    }

    private static void entry(
            JsonGenerator json, String text, byte[] bytes, @Nullable Float logprob) {
        json.writeStringProperty("token", text);
        json.writeName("logprob");
        number(json, logprob);
        json.writeArrayPropertyStart("bytes");
        for (byte b : bytes) {
            json.writeNumber(b & 0xff);
        }
        json.writeEndArray();
    }

    /** Completions' style of log probabilities. */
    static void completionLogprobs(JsonGenerator json, @Nullable List<TokenLogprob> logprobs) {
        if (logprobs == null) {
            json.writeNullProperty("logprobs");
            return;
        }
        json.writeObjectPropertyStart("logprobs");
        json.writeArrayPropertyStart("tokens");
        logprobs.forEach(token -> json.writeString(token.text()));
        json.writeEndArray();
        json.writeArrayPropertyStart("token_logprobs");
        logprobs.forEach(token -> number(json, token.logprob()));
        json.writeEndArray();
        json.writeArrayPropertyStart("top_logprobs");
        for (TokenLogprob token : logprobs) {
            if (token.logprob() == null) {
                json.writeNull();
                continue;
            }
            json.writeStartObject();
            Set<String> seen = new HashSet<>();
            for (TokenLogprob.Alternative other : token.top()) {
                if (seen.add(other.text())) {
                    json.writeNumberProperty(other.text(), finite(other.logprob()));
                }
            }
            // As OpenAI has it: the chosen token is there even if others are likelier.
            if (seen.add(token.text())) {
                json.writeNumberProperty(token.text(), finite(token.logprob()));
            }
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("text_offset");
        logprobs.forEach(token -> json.writeNumber(token.textOffset()));
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void number(JsonGenerator json, @Nullable Float logprob) {
        if (logprob == null) {
            json.writeNull();
        } else {
            json.writeNumber(finite(logprob));
        }
    }

    /** JSON has no infinities; vLLM clamps to the same value. */
    private static float finite(float logprob) {
        if (Float.isNaN(logprob)) {
            return -9999f;
        }
        return Math.min(0f, Math.max(-9999f, logprob));
    }
}

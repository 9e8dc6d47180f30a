package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingChoice;
import io.baton.common.openai.GenerationOptions.Labels;
import io.baton.common.openai.GenerationOptions.Service;
import io.baton.common.openai.GenerationOptions.Streaming;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the fields that both endpoints share. */
final class OptionsParser {
    private static final int MAX_MODEL_CHARACTERS = 256;
    private static final int MAX_STOPS = 16;
    private static final int MAX_STOP_CHARACTERS = 1024;
    private static final int MAX_STOP_TOKENS = 256;
    private static final int MAX_BIASES = 1024;
    private static final int MAX_LOGPROBS = 20;
    private static final int MAX_LABEL_CHARACTERS = 256;
    private static final long MAX_DEADLINE_MILLIS = 86_400_000;
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final Fields fields;
    private final Endpoint endpoint;

    OptionsParser(ObjectNode body, Endpoint endpoint) {
        this.fields = new Fields(body, "");
        this.endpoint = endpoint;
    }

    GenerationOptions parse() {
        OptionalInt maxTokens = maxTokens();
        int n = fields.count("n", 1, GenerationOptions.MAX_CHOICES).orElse(1);
        int bestOf = fields.count("best_of", 1, GenerationOptions.MAX_CHOICES).orElse(n);
        if (bestOf != n) {
            throw fields.invalid("best_of", "must equal n (%d)".formatted(n));
        }
        return new GenerationOptions(
                fields.text("model", 1, MAX_MODEL_CHARACTERS).orElse(null),
                maxTokens,
                n,
                fields.flag("add_special_tokens", endpoint == Endpoint.COMPLETIONS),
                streaming(),
                sampling(maxTokens),
                labels(),
                service());
    }

    private Service service() {
        return new Service(
                (int) fields.integer("priority", Integer.MIN_VALUE, Integer.MAX_VALUE).orElse(0),
                fields.integer("deadline_ms", 1, MAX_DEADLINE_MILLIS),
                fields.flag("speculative", true));
    }

    /** Whether a text can be a request id: it may then appear in headers, logs and paths. */
    static boolean isRequestId(String text) {
        return REQUEST_ID.matcher(text).matches();
    }

    private OptionalInt maxTokens() {
        OptionalInt old = fields.count("max_tokens", 1, Integer.MAX_VALUE);
        if (endpoint != Endpoint.CHAT) {
            return old;
        }
        OptionalInt newer = fields.count("max_completion_tokens", 1, Integer.MAX_VALUE);
        if (old.isPresent() && newer.isPresent() && old.getAsInt() != newer.getAsInt()) {
            throw fields.invalid(
                    "max_completion_tokens", "must equal max_tokens if both are given");
        }
        return newer.isPresent() ? newer : old;
    }

    private Streaming streaming() {
        boolean stream = fields.flag("stream", false);
        JsonNode node = fields.get("stream_options");
        if (node == null) {
            return new Streaming(stream, false, false);
        }
        if (!node.isObject()) {
            throw fields.invalid("stream_options", "must be an object");
        }
        if (!stream) {
            throw fields.invalid("stream_options", "is only allowed with stream: true");
        }
        Fields options = new Fields(node, "stream_options");
        for (String name : node.propertyNames()) {
            if (!name.equals("include_usage") && !name.equals("continuous_usage_stats")) {
                throw options.invalid(
                        RequestFields.shorten(name),
                        "is unknown; there are include_usage and continuous_usage_stats");
            }
        }
        boolean continuous = options.flag("continuous_usage_stats", false);
        return new Streaming(true, options.flag("include_usage", false), continuous);
    }

    private SamplingOptions sampling(OptionalInt maxTokens) {
        int minTokens = fields.count("min_tokens", 0, Integer.MAX_VALUE).orElse(0);
        if (maxTokens.isPresent() && minTokens > maxTokens.getAsInt()) {
            throw fields.invalid(
                    "min_tokens",
                    "must be at most max_tokens (%d)".formatted(maxTokens.getAsInt()));
        }
        return new SamplingOptions(
                minTokens,
                choice(),
                (float) fields.number("frequency_penalty", -2, 2).orElse(0),
                (float) fields.number("presence_penalty", -2, 2).orElse(0),
                logitBias(),
                fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
                stop(),
                stopTokenIds(),
                fields.flag("include_stop_str_in_output", false),
                fields.flag("ignore_eos", false),
                fields.flag("skip_special_tokens", true),
                logprobs(),
                ConstraintParser.parse(fields));
    }

    private SamplingChoice choice() {
        OptionalInt topK = fields.count("top_k", -1, Integer.MAX_VALUE);
        return new SamplingChoice(
                fields.number("temperature", 0, SamplingChoice.MAX_TEMPERATURE),
                topK.isEmpty() ? topK : OptionalInt.of(Math.max(topK.getAsInt(), 0)),
                fields.number("top_p", Float.MIN_VALUE, 1),
                fields.number("min_p", 0, 1),
                fields.number(
                        "repetition_penalty",
                        Float.MIN_VALUE,
                        SamplingChoice.MAX_REPETITION_PENALTY));
    }

    private int logprobs() {
        if (endpoint == Endpoint.COMPLETIONS) {
            return fields.count("logprobs", 0, MAX_LOGPROBS).orElse(-1);
        }
        boolean wanted = fields.flag("logprobs", false);
        OptionalInt top = fields.count("top_logprobs", 0, MAX_LOGPROBS);
        if (!wanted && top.orElse(0) > 0) {
            throw fields.invalid("top_logprobs", "needs logprobs: true");
        }
        return wanted ? top.orElse(0) : -1;
    }

    private List<String> stop() {
        JsonNode node = fields.get("stop");
        if (node == null) {
            return List.of();
        }
        if (node.isString()) {
            return List.of(stopText(node, "stop"));
        }
        if (!node.isArray() || node.size() > MAX_STOPS) {
            throw fields.invalid(
                    "stop", "must be a string or up to %d strings".formatted(MAX_STOPS));
        }
        List<String> stops = new ArrayList<>(node.size());
        for (JsonNode element : node) {
            stops.add(stopText(element, "stop"));
        }
        return stops;
    }

    private static String stopText(JsonNode node, String path) {
        int length = node.isString() ? node.stringValue().length() : 0;
        if (length < 1 || length > MAX_STOP_CHARACTERS) {
            throw Fields.invalidAt(
                    path, "must be a string of 1 to %d characters".formatted(MAX_STOP_CHARACTERS));
        }
        return node.stringValue();
    }

    private Set<Integer> stopTokenIds() {
        JsonNode node = fields.get("stop_token_ids");
        Set<Integer> ids = new LinkedHashSet<>();
        if (node == null) {
            return ids;
        }
        if (!node.isArray() || node.size() > MAX_STOP_TOKENS) {
            throw fields.invalid(
                    "stop_token_ids",
                    "must be a list of up to %d token ids".formatted(MAX_STOP_TOKENS));
        }
        for (JsonNode element : node) {
            ids.add(tokenId(element, "stop_token_ids"));
        }
        return ids;
    }

    /** A token id from 0; the vocabulary's size is checked later. */
    static int tokenId(JsonNode node, String path) {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
            throw Fields.invalidAt(path, "must hold token ids (integers from 0)");
        }
        return node.intValue();
    }

    private Map<Integer, Float> logitBias() {
        JsonNode node = fields.get("logit_bias");
        Map<Integer, Float> biases = new LinkedHashMap<>();
        if (node == null) {
            return biases;
        }
        if (!node.isObject() || node.size() > MAX_BIASES) {
            throw fields.invalid(
                    "logit_bias",
                    "must be an object of up to %d token ids and biases".formatted(MAX_BIASES));
        }
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            JsonNode value = entry.getValue();
            double bias = value.isNumber() ? value.doubleValue() : Double.NaN;
            if (!(bias >= -100 && bias <= 100)) {
                throw fields.invalid("logit_bias", "must hold numbers from -100 to 100");
            }
            if (biases.put(biasToken(entry.getKey()), (float) bias) != null) {
                throw fields.invalid("logit_bias", "names a token twice");
            }
        }
        return biases;
    }

    private int biasToken(String key) {
        try {
            int id = key.length() > 10 ? -1 : Integer.parseInt(key);
            if (id >= 0 && Character.isDigit(key.charAt(0))) {
                return id;
            }
        } catch (NumberFormatException e) {
            throw badBiasToken(e);
        }
        throw badBiasToken(null);
    }

    private static RuntimeException badBiasToken(@Nullable Exception cause) {
        return new BatonException(
                ErrorCode.INVALID_VALUE,
                "'logit_bias' must have token ids as names, such as \"50256\"",
                "logit_bias",
                cause);
    }

    private Labels labels() {
        String requestId = fields.text("request_id", 1, 128).orElse(null);
        if (requestId != null && !isRequestId(requestId)) {
            throw fields.invalid("request_id", "must be 1 to 128 of A-Z a-z 0-9 . _ : -");
        }
        return new Labels(
                requestId,
                fields.text("session_id", 1, MAX_LABEL_CHARACTERS).orElse(null),
                fields.text("cache_salt", 1, MAX_LABEL_CHARACTERS).orElse(null));
    }
}

package io.baton.common.openai;

import static io.baton.common.openai.Endpoint.CHAT;
import static io.baton.common.openai.Endpoint.COMPLETIONS;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.RequestField.Treatment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The table of request fields. Every field is honoured, documented to have no effect, or refused by
 * name; a field that is not in the table is refused as unknown.
 */
public final class RequestFields {
    private static final Set<Endpoint> BOTH = EnumSet.allOf(Endpoint.class);
    private static final Set<Endpoint> ONLY_CHAT = EnumSet.of(CHAT);
    private static final Set<Endpoint> ONLY_COMPLETIONS = EnumSet.of(COMPLETIONS);

    private static final List<RequestField> TABLE = table();
    private static final Map<Endpoint, Map<String, RequestField>> BY_NAME = index();

    private RequestFields() {}

    /** All rules, in the order of the documentation. */
    public static List<RequestField> all() {
        return TABLE;
    }

    /**
     * Refuses fields that are unknown, or known and not supported with this value. Null is the same
     * as absent everywhere.
     *
     * @throws BatonException UNKNOWN_PARAMETER or UNSUPPORTED_PARAMETER naming the field
     */
    static void check(Endpoint endpoint, ObjectNode body) {
        Map<String, RequestField> rules = BY_NAME.getOrDefault(endpoint, Map.of());
        for (Map.Entry<String, JsonNode> entry : body.properties()) {
            RequestField rule = rules.get(entry.getKey());
            if (rule == null) {
                String shown = shorten(entry.getKey());
                throw new BatonException(
                        ErrorCode.UNKNOWN_PARAMETER,
                        "unknown parameter '%s' for %s; remove it, see docs/api.md for those that exist"
                                .formatted(shown, endpoint.path()),
                        shown);
            }
            boolean refused =
                    rule.treatment() == Treatment.REFUSED
                            && !entry.getValue().isNull()
                            && !rule.harmless().test(entry.getValue());
            if (refused) {
                throw new BatonException(
                        ErrorCode.UNSUPPORTED_PARAMETER,
                        "parameter '%s' is not supported: %s".formatted(rule.name(), rule.note()),
                        rule.name());
            }
        }
    }

    /** A name from a request, fit for an error message. */
    static String shorten(String name) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < Math.min(name.length(), 64); i++) {
            char c = name.charAt(i);
            shown.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
        }
        return shown.toString();
    }

    /** The table in Markdown, as in docs/api.md. */
    public static String toMarkdown() {
        StringBuilder text = new StringBuilder();
        text.append("| field | chat | completions | values | |\n|---|---|---|---|---|\n");
        Map<String, List<RequestField>> rows = new LinkedHashMap<>();
        for (RequestField field : TABLE) {
            rows.computeIfAbsent(field.name(), name -> new ArrayList<>()).add(field);
        }
        rows.forEach(
                (name, fields) -> {
                    for (RequestField field : fields) {
                        text.append("| `")
                                .append(name)
                                .append("` | ")
                                .append(label(field, CHAT))
                                .append(" | ")
                                .append(label(field, COMPLETIONS))
                                .append(" | ")
                                .append(field.values())
                                .append(" | ")
                                .append(field.note())
                                .append(" |\n");
                    }
                });
        return text.toString();
    }

    private static String label(RequestField field, Endpoint endpoint) {
        return field.endpoints().contains(endpoint) ? field.treatment().label() : "";
    }

    private static Map<Endpoint, Map<String, RequestField>> index() {
        Map<Endpoint, Map<String, RequestField>> index = new EnumMap<>(Endpoint.class);
        for (Endpoint endpoint : Endpoint.values()) {
            Map<String, RequestField> rules = new LinkedHashMap<>();
            for (RequestField field : TABLE) {
                if (field.endpoints().contains(endpoint)
                        && rules.put(field.name(), field) != null) {
                    throw new IllegalStateException("two rules for " + field.name());
                }
            }
            index.put(endpoint, rules);
        }
        return index;
    }

    private static List<RequestField> table() {
        List<RequestField> table = new ArrayList<>();
        honoured(table);
        structured(table);
        noEffect(table);
        refusedFeatures(table);
        refusedSampling(table);
        return List.copyOf(table);
    }

    private static void honoured(List<RequestField> table) {
        take(table, "model", BOTH, "a served name", "may be left out while one model is served");
        take(
                table,
                "messages",
                ONLY_CHAT,
                "1 to 4096",
                "roles system, developer (treated as system), user, assistant (with tool_calls), tool; content as a string or text parts (joined by a newline)");
        take(
                table,
                "prompt",
                ONLY_COMPLETIONS,
                "string, string[], int[], int[][]; at most 64",
                "texts or token ids");
        take(
                table,
                "max_tokens",
                BOTH,
                "1 up to what the context leaves",
                "default: what the context leaves (completions: 16)");
        take(
                table,
                "max_completion_tokens",
                ONLY_CHAT,
                "as max_tokens",
                "newer name of max_tokens; if both are given they must be equal");
        take(
                table,
                "n",
                BOTH,
                "1 to 16",
                "answers per prompt; answer i uses seed + i; at most 128 over all prompts");
        take(table, "stream", BOTH, "boolean", "server-sent events");
        take(
                table,
                "stream_options",
                BOTH,
                "{include_usage, continuous_usage_stats}",
                "only with stream: true");
        take(table, "stop", BOTH, "string or up to 16 strings of 1 to 1024 characters", "");
        take(
                table,
                "temperature",
                BOTH,
                "0 to 2",
                "0 is greedy; default: the model's recommendation, else 1");
        take(table, "top_p", BOTH, "above 0, up to 1", "default as temperature's, else 1");
        take(
                table,
                "seed",
                BOTH,
                "64-bit integer",
                "same seed, same answer; default: random, shown in the ledger");
        take(table, "frequency_penalty", BOTH, "-2 to 2", "");
        take(table, "presence_penalty", BOTH, "-2 to 2", "");
        take(table, "logit_bias", BOTH, "{token id: -100 to 100}, at most 1024", "");
        take(
                table,
                "logprobs",
                ONLY_CHAT,
                "boolean",
                "log probabilities before temperature and truncation");
        take(
                table,
                "logprobs",
                ONLY_COMPLETIONS,
                "0 to 20",
                "log probabilities before temperature and truncation; with echo, of the prompt too");
        take(table, "top_logprobs", ONLY_CHAT, "0 to 20", "needs logprobs: true");
        take(table, "echo", ONLY_COMPLETIONS, "boolean", "puts the prompt before the answer");
        take(table, "ignore_eos", BOTH, "boolean", "end tokens do not end the answer");
        take(table, "min_tokens", BOTH, "0 to max_tokens", "");
        take(
                table,
                "top_k",
                BOTH,
                "-1 or 0 (all), or a count",
                "default as temperature's, else all");
        take(table, "min_p", BOTH, "0 to 1", "default as temperature's, else 0");
        take(
                table,
                "repetition_penalty",
                BOTH,
                "above 0, up to 10",
                "default as temperature's, else 1");
        take(table, "stop_token_ids", BOTH, "up to 256 token ids", "");
        take(table, "include_stop_str_in_output", BOTH, "boolean", "");
        take(table, "skip_special_tokens", BOTH, "boolean", "default true");
        take(
                table,
                "add_special_tokens",
                BOTH,
                "boolean",
                "BOS where the model wants it; default true for completions, false for chat (its template writes it)");
        take(table, "add_generation_prompt", ONLY_CHAT, "boolean", "default true");
        take(
                table,
                "continue_final_message",
                ONLY_CHAT,
                "boolean",
                "continues the last message; add_generation_prompt must then be false");
        take(
                table,
                "chat_template_kwargs",
                ONLY_CHAT,
                "object",
                "variables for the template; chat_template and tokenize in it are refused");
        take(
                table,
                "request_id",
                BOTH,
                "1 to 128 of A-Z a-z 0-9 . _ : -",
                "same as the X-Request-Id header");
        take(table, "session_id", BOTH, "1 to 256 characters", "shown in the ledger");
        take(
                table,
                "cache_salt",
                BOTH,
                "1 to 256 characters",
                "keeps reuse of KV within requests with the same salt (and the same API key)");
        take(
                table,
                "priority",
                BOTH,
                "32-bit integer",
                "lower goes first, and is preempted last; default 0");
        take(
                table,
                "deadline_ms",
                BOTH,
                "1 to 86400000",
                "milliseconds from arrival to the whole answer; then the request ends with deadline_exceeded");
        take(
                table,
                "speculative",
                BOTH,
                "boolean",
                "false: no tokens are drafted for it; the answer is the same; default true");
    }

    private static void structured(List<RequestField> table) {
        take(
                table,
                "response_format",
                BOTH,
                "{type: text, json_object or json_schema, json_schema: {name, schema, strict}}",
                "one JSON object, or a value valid under the schema; see Structured output");
        take(
                table,
                "structured_outputs",
                BOTH,
                "{json, regex, choice or json_object: true}",
                "vLLM's spelling; grammar and structural_tag are refused");
        take(table, "guided_json", BOTH, "JSON schema, as object or text", "vLLM's older spelling");
        take(table, "guided_regex", BOTH, "regular expression", "the whole answer matches it");
        take(table, "guided_choice", BOTH, "1 to 1024 strings", "the answer is one of them");
        take(
                table,
                "tools",
                ONLY_CHAT,
                "up to 128 of {type: function, function: {name, description, parameters, strict}}",
                "see Tools");
        take(
                table,
                "tool_choice",
                ONLY_CHAT,
                "none, auto, required or {type: function, function: {name}}",
                "default auto");
        take(table, "parallel_tool_calls", ONLY_CHAT, "boolean", "false: at most one call");
    }

    private static void noEffect(List<RequestField> table) {
        ignore(table, "user", BOTH, "string");
        ignore(table, "safety_identifier", BOTH, "string");
        ignore(table, "metadata", BOTH, "object");
        ignore(table, "prompt_cache_key", BOTH, "string");
    }

    private static void refusedFeatures(List<RequestField> table) {
        refuse(table, "store", BOTH, "answers are not stored", RequestFields::isFalse);
        refuse(table, "functions", ONLY_CHAT, "use tools", RequestFields::isEmpty);
        refuse(
                table,
                "function_call",
                ONLY_CHAT,
                "use tool_choice",
                node -> isText(node, "none", "auto"));
        refuse(table, "guided_grammar", BOTH, "grammars in EBNF are not supported", node -> false);
        for (String name : List.of("guided_decoding_backend", "guided_whitespace_pattern")) {
            refuse(table, name, BOTH, "there is one way, see Structured output", node -> false);
        }
        refuse(table, "kv_transfer_params", BOTH, "the router places KV itself", node -> false);
        refuse(table, "modalities", ONLY_CHAT, "text only", RequestFields::isTextOnly);
        refuse(table, "audio", ONLY_CHAT, "text only", node -> false);
        refuse(table, "mm_processor_kwargs", BOTH, "text only", RequestFields::isEmpty);
        refuse(table, "prediction", ONLY_CHAT, "predicted output is not supported", node -> false);
        refuse(table, "web_search_options", ONLY_CHAT, "there is no web search", node -> false);
        refuse(
                table,
                "documents",
                ONLY_CHAT,
                "documents for the template are not supported; put them into a message",
                RequestFields::isEmpty);
        refuse(
                table,
                "chat_template",
                ONLY_CHAT,
                "templates come from the operator only",
                node -> false);
        refuse(
                table,
                "reasoning_effort",
                ONLY_CHAT,
                "reasoning control is not supported",
                node -> isText(node, "none"));
        refuse(
                table,
                "include_reasoning",
                ONLY_CHAT,
                "reasoning control is not supported",
                JsonNode::isBoolean);
        refuse(
                table,
                "thinking_token_budget",
                ONLY_CHAT,
                "reasoning control is not supported",
                node -> false);
        refuse(table, "verbosity", ONLY_CHAT, "not supported", node -> isText(node, "medium"));
        refuse(
                table,
                "service_tier",
                BOTH,
                "there are no service tiers",
                node -> isText(node, "auto", "default"));
        refuse(
                table,
                "prompt_embeds",
                ONLY_COMPLETIONS,
                "embeddings are not accepted as prompts",
                node -> false);
        refuse(
                table,
                "suffix",
                ONLY_COMPLETIONS,
                "insertion is not supported",
                node -> isText(node, ""));
    }

    private static void refusedSampling(List<RequestField> table) {
        refuse(table, "echo", ONLY_CHAT, "not supported on chat", RequestFields::isFalse);
        refuse(table, "best_of", BOTH, "only the value of n is supported", node -> true);
        refuse(
                table,
                "use_beam_search",
                BOTH,
                "beam search is not supported",
                RequestFields::isFalse);
        refuse(
                table,
                "length_penalty",
                BOTH,
                "beam search is not supported",
                node -> isNumber(node, 1));
        refuse(
                table,
                "early_stopping",
                BOTH,
                "beam search is not supported",
                RequestFields::isFalse);
        refuse(
                table,
                "truncate_prompt_tokens",
                BOTH,
                "prompts are never cut; a prompt that is too long is an error",
                node -> false);
        refuse(table, "truncation_side", BOTH, "prompts are never cut", node -> false);
        refuse(table, "allowed_token_ids", BOTH, "not supported", node -> false);
        refuse(table, "bad_words", BOTH, "not supported", RequestFields::isEmpty);
        refuse(table, "prompt_logprobs", BOTH, "not supported", node -> false);
        refuse(table, "logprob_token_ids", BOTH, "not supported", RequestFields::isEmpty);
        refuse(table, "return_token_ids", BOTH, "not supported", RequestFields::isFalse);
        refuse(table, "return_tokens_as_token_ids", BOTH, "not supported", RequestFields::isFalse);
        refuse(
                table,
                "spaces_between_special_tokens",
                BOTH,
                "only true is supported",
                node -> node.isBoolean() && node.booleanValue());
        refuse(table, "logits_processors", BOTH, "not supported", RequestFields::isEmpty);
        refuse(table, "vllm_xargs", BOTH, "not supported", RequestFields::isEmpty);
    }

    private static void take(
            List<RequestField> table,
            String name,
            Set<Endpoint> where,
            String values,
            String note) {
        table.add(new RequestField(name, where, Treatment.HONOURED, values, note, node -> true));
    }

    private static void ignore(
            List<RequestField> table, String name, Set<Endpoint> where, String values) {
        table.add(
                new RequestField(
                        name,
                        where,
                        Treatment.NO_EFFECT,
                        values,
                        "accepted for compatibility",
                        node -> true));
    }

    private static void refuse(
            List<RequestField> table,
            String name,
            Set<Endpoint> where,
            String note,
            Predicate<JsonNode> harmless) {
        table.add(new RequestField(name, where, Treatment.REFUSED, "", note, harmless));
    }

    private static boolean isFalse(JsonNode node) {
        return node.isBoolean() && !node.booleanValue();
    }

    private static boolean isNumber(JsonNode node, double value) {
        return node.isNumber() && node.doubleValue() == value;
    }

    private static boolean isEmpty(JsonNode node) {
        return node.isContainer() && node.isEmpty();
    }

    private static boolean isText(JsonNode node, String... values) {
        return node.isString() && List.of(values).contains(node.stringValue());
    }

    private static boolean isTextOnly(JsonNode node) {
        return node.isArray() && node.size() == 1 && isText(node.get(0), "text");
    }
}

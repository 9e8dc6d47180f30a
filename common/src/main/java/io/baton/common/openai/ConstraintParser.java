package io.baton.common.openai;

import io.baton.common.generation.Constraint;
import io.baton.common.generation.Constraint.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads the fields that ask for structured output: OpenAI's {@code response_format}, vLLM's {@code
 * structured_outputs} and its older {@code guided_*}. At most one of them may.
 */
final class ConstraintParser {
    private static final int MAX_NAME_CHARACTERS = 64;
    private static final Set<String> FORMAT_FIELDS = Set.of("type", "json_schema");
    private static final Set<String> SCHEMA_FIELDS =
            Set.of("name", "description", "schema", "strict");
    private static final Set<String> OUTPUT_FIELDS =
            Set.of("json", "regex", "choice", "json_object");

    private final Fields fields;
    private final List<ConstraintOption> found = new ArrayList<>();

    private ConstraintParser(Fields fields) {
        this.fields = fields;
    }

    /** The constraint that a request asks for, null for none. */
    static @Nullable ConstraintOption parse(Fields fields) {
        ConstraintParser parser = new ConstraintParser(fields);
        parser.responseFormat();
        parser.structuredOutputs();
        parser.schema(fields, "guided_json");
        parser.regex(fields, "guided_regex");
        parser.choice(fields, "guided_choice");
        if (parser.found.size() > 1) {
            throw Fields.invalidAt(
                    parser.found.get(1).param(),
                    "cannot be given together with " + parser.found.get(0).param());
        }
        return parser.found.isEmpty() ? null : parser.found.getFirst();
    }

    private void add(Kind kind, String text, String param) {
        found.add(new ConstraintOption(new Constraint(kind, text), param));
    }

    private void responseFormat() {
        JsonNode node = fields.get("response_format");
        if (node == null) {
            return;
        }
        Fields format = object(node, "response_format", FORMAT_FIELDS);
        String type = format.text("type", 1, 64).orElse("");
        switch (type) {
            case "text" -> {}
            case "json_object" -> add(Kind.JSON_OBJECT, "", "response_format");
            case "json_schema" -> {
                String path = format.path("json_schema");
                JsonNode described = format.get("json_schema");
                if (described == null) {
                    throw format.invalid("json_schema", "must be an object");
                }
                Fields schema = object(described, path, SCHEMA_FIELDS);
                if (schema.text("name", 1, MAX_NAME_CHARACTERS).isEmpty()) {
                    throw schema.invalid(
                            "name",
                            "must be a string of 1 to %d characters"
                                    .formatted(MAX_NAME_CHARACTERS));
                }
                schema.text("description", 0, Integer.MAX_VALUE);
                schema.flag("strict", true);
                JsonNode language = schema.get("schema");
                if (language == null || !language.isObject()) {
                    throw schema.invalid("schema", "must be a JSON schema");
                }
                add(Kind.JSON_SCHEMA, language.toString(), schema.path("schema"));
            }
            default -> throw format.invalid("type", "must be text, json_object or json_schema");
        }
        if (!type.equals("json_schema") && format.get("json_schema") != null) {
            throw format.invalid("json_schema", "needs type: json_schema");
        }
    }

    private void structuredOutputs() {
        JsonNode node = fields.get("structured_outputs");
        if (node == null) {
            return;
        }
        Fields outputs = object(node, "structured_outputs", OUTPUT_FIELDS);
        schema(outputs, "json");
        regex(outputs, "regex");
        choice(outputs, "choice");
        if (outputs.flag("json_object", false)) {
            add(Kind.JSON_OBJECT, "", outputs.path("json_object"));
        }
    }

    private static Fields object(JsonNode node, String path, Set<String> known) {
        if (!node.isObject()) {
            throw Fields.invalidAt(path, "must be an object");
        }
        for (String name : node.propertyNames()) {
            JsonNode value = node.get(name);
            if (!known.contains(name) && value != null && !value.isNull()) {
                throw RequestParser.unsupported(
                        path + "." + RequestFields.shorten(name),
                        "there are " + String.join(", ", known.stream().sorted().toList()));
            }
        }
        return new Fields(node, path);
    }

    /** A schema as an object, or as its text. */
    private void schema(Fields from, String name) {
        JsonNode node = from.get(name);
        if (node == null) {
            return;
        }
        if (!node.isObject() && !node.isString()) {
            throw from.invalid(name, "must be a JSON schema, as an object or as its text");
        }
        add(
                Kind.JSON_SCHEMA,
                node.isString() ? node.stringValue() : node.toString(),
                from.path(name));
    }

    private void regex(Fields from, String name) {
        from.text(name, 0, Constraint.MAX_CHARACTERS)
                .ifPresent(regex -> add(Kind.REGEX, regex, from.path(name)));
    }

    private void choice(Fields from, String name) {
        JsonNode node = from.get(name);
        if (node == null) {
            return;
        }
        if (!node.isArray()) {
            throw from.invalid(name, "must be a list of strings");
        }
        add(Kind.CHOICE, node.toString(), from.path(name));
    }
}

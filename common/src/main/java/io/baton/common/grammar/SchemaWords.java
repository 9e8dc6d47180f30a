package io.baton.common.grammar;

import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The keywords of JSON Schema: which are honoured, which say nothing about validity, and where. */
final class SchemaWords {
    /** They describe; nothing depends on them. */
    private static final Set<String> ANNOTATIONS =
            Set.of(
                    "title",
                    "description",
                    "default",
                    "example",
                    "examples",
                    "deprecated",
                    "readOnly",
                    "writeOnly",
                    "discriminator",
                    "$schema",
                    "$id",
                    "$comment",
                    "$defs",
                    "definitions");

    static final Set<String> OF_OBJECTS = Set.of("properties", "required", "additionalProperties");
    static final Set<String> OF_LISTS = Set.of("items", "prefixItems", "minItems", "maxItems");
    static final Set<String> OF_TEXTS = Set.of("minLength", "maxLength", "pattern", "format");
    static final Set<String> OF_NUMBERS =
            Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    static final Set<String> OTHERS =
            Set.of("type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf");

    /** Values with which an otherwise refused keyword asks for nothing. */
    private static final Map<String, String> HARMLESS =
            Map.of("uniqueItems", "false", "minProperties", "0");

    private static final Map<String, String> WHY =
            Map.of(
                    "not", "what is excluded cannot be written down",
                    "uniqueItems", "items are not compared",
                    "multipleOf", "divisibility is not checked",
                    "patternProperties", "use additionalProperties",
                    "if", "use anyOf",
                    "contains", "use prefixItems");

    private SchemaWords() {}

    static boolean isAnnotation(String word) {
        return ANNOTATIONS.contains(word) || word.startsWith("x-");
    }

    /** Refuses the first keyword that is not honoured. */
    static void check(JsonNode schema, String pointer) {
        for (var entry : schema.properties()) {
            String word = entry.getKey();
            boolean known =
                    isAnnotation(word)
                            || List.of(OF_OBJECTS, OF_LISTS, OF_TEXTS, OF_NUMBERS, OTHERS).stream()
                                    .anyMatch(words -> words.contains(word))
                            || entry.getValue().toString().equals(HARMLESS.get(word));
            if (!known) {
                String why = WHY.get(word);
                throw Refusal.unsupported(
                        "the keyword at %s is not supported%s"
                                .formatted(at(pointer, word), why == null ? "" : ": " + why));
            }
        }
    }

    /** Whether the schema says anything but annotations. */
    static boolean saysNothing(ObjectNode schema) {
        return schema.propertyNames().stream().allMatch(SchemaWords::isAnnotation);
    }

    /** A place below another, as a JSON pointer (RFC 6901), cut where it becomes long. */
    static String at(String pointer, String name) {
        if (pointer.length() > 200) {
            return pointer;
        }
        StringBuilder shown = new StringBuilder(pointer).append('/');
        String escaped = name.replace("~", "~0").replace("/", "~1");
        for (int i = 0; i < Math.min(64, escaped.length()); i++) {
            char c = escaped.charAt(i);
            shown.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
        }
        return shown.toString();
    }
}

package io.baton.common.grammar;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A schema with its references, and schemas that hold together ({@code allOf}) put into one. */
final class SchemaTree {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final JsonNode root;
    private int merges;

    SchemaTree(JsonNode root) {
        this.root = root;
    }

    JsonNode root() {
        return root;
    }

    /** What a reference names; only places of the same document. */
    JsonNode target(String reference, String pointer) {
        if (!reference.startsWith("#") || reference.length() > 1024) {
            throw Refusal.unsupported(
                    "the reference at %s is not supported: only places of the same schema (#/...) are"
                            .formatted(pointer));
        }
        JsonNode found;
        try {
            String path =
                    URLDecoder.decode(
                            reference.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
            found = root.at(JsonPointer.compile(path));
        } catch (IllegalArgumentException e) {
            throw Refusal.invalid(
                    "the reference at %s is no JSON pointer; anchors are not supported"
                            .formatted(pointer));
        }
        if (!found.isObject() && !found.isBoolean()) {
            throw Refusal.invalid("the reference at %s leads to no schema".formatted(pointer));
        }
        return found;
    }

    /** A schema whose references are followed until it is written out. */
    private ObjectNode written(JsonNode schema, String pointer, int depth) {
        if (depth > GrammarLimits.MAX_SCHEMA_DEPTH) {
            throw Refusal.invalid("the references at %s go in a circle".formatted(pointer));
        }
        if (!schema.isObject()) {
            if (schema.isBoolean() && schema.booleanValue()) {
                return NODES.objectNode();
            }
            throw Refusal.invalid("no schema that can be combined at " + pointer);
        }
        JsonNode reference = schema.get("$ref");
        if (reference == null || !reference.isString()) {
            return (ObjectNode) schema;
        }
        ObjectNode own = copy(schema);
        own.remove("$ref");
        ObjectNode target = written(target(reference.stringValue(), pointer), pointer, depth + 1);
        return both(own, target, pointer, depth + 1);
    }

    /**
     * A schema that both hold for.
     *
     * @throws Refusal if that cannot be said without {@code allOf}
     */
    ObjectNode both(JsonNode first, JsonNode second, String pointer) {
        return both(first, second, pointer, 0);
    }

    /** The same below {@code depth} others: two schemas that refer to themselves never end. */
    private ObjectNode both(JsonNode first, JsonNode second, String pointer, int depth) {
        if (++merges > GrammarLimits.MAX_SCHEMA_NODES || depth > GrammarLimits.MAX_SCHEMA_DEPTH) {
            throw Refusal.invalid(
                    "combining the schemas at %s takes more than %d steps or goes deeper than %d"
                            .formatted(
                                    pointer,
                                    GrammarLimits.MAX_SCHEMA_NODES,
                                    GrammarLimits.MAX_SCHEMA_DEPTH));
        }
        ObjectNode a = written(first, pointer, depth);
        ObjectNode b = written(second, pointer, depth);
        requireOpen(a, b, pointer);
        requireOpen(b, a, pointer);
        ObjectNode all = copy(a);
        for (var entry : b.properties()) {
            String word = entry.getKey();
            JsonNode here = all.get(word);
            JsonNode there = entry.getValue();
            if (here == null) {
                all.set(word, there);
            } else if (!SchemaWords.isAnnotation(word) && !here.equals(there)) {
                all.set(word, both(word, here, there, SchemaWords.at(pointer, word), depth));
            }
        }
        return all;
    }

    private JsonNode both(String word, JsonNode a, JsonNode b, String pointer, int depth) {
        return switch (word) {
            case "type" -> types(a, b, pointer);
            case "required" -> union(a, b);
            case "properties" -> {
                if (!a.isObject() || !b.isObject()) {
                    throw Refusal.invalid(pointer + " must be an object");
                }
                ObjectNode all = copy(a);
                for (var entry : b.properties()) {
                    JsonNode here = all.get(entry.getKey());
                    all.set(
                            entry.getKey(),
                            here == null || here.equals(entry.getValue())
                                    ? entry.getValue()
                                    : both(
                                            here,
                                            entry.getValue(),
                                            SchemaWords.at(pointer, entry.getKey()),
                                            depth + 1));
                }
                yield all;
            }
            default ->
                    throw Refusal.unsupported(
                            "combining different values of the keyword at %s is not supported"
                                    .formatted(pointer));
        };
    }

    /** The same members in a new object. */
    private static ObjectNode copy(JsonNode object) {
        ObjectNode copy = NODES.objectNode();
        object.properties().forEach(entry -> copy.set(entry.getKey(), entry.getValue()));
        return copy;
    }

    private static JsonNode union(JsonNode a, JsonNode b) {
        Set<JsonNode> names = new LinkedHashSet<>();
        a.forEach(names::add);
        b.forEach(names::add);
        ArrayNode all = NODES.arrayNode();
        names.forEach(all::add);
        return all;
    }

    private static JsonNode types(JsonNode a, JsonNode b, String pointer) {
        ArrayNode common = NODES.arrayNode();
        for (JsonNode type : a.isArray() ? a : NODES.arrayNode().add(a)) {
            for (JsonNode other : b.isArray() ? b : NODES.arrayNode().add(b)) {
                if (type.equals(other)) {
                    common.add(type);
                }
            }
        }
        if (common.isEmpty()) {
            throw Refusal.invalid("no type satisfies both schemas at " + pointer);
        }
        return common;
    }

    /** A schema that closes its object does not know the properties of the other. */
    private static void requireOpen(ObjectNode closed, ObjectNode other, String pointer) {
        JsonNode additional = closed.get("additionalProperties");
        JsonNode theirs = other.get("properties");
        if (additional == null || theirs == null || additional.toString().equals("true")) {
            return;
        }
        JsonNode own = closed.get("properties");
        for (String name : theirs.propertyNames()) {
            if (own == null || own.get(name) == null) {
                throw Refusal.unsupported(
                        "additionalProperties of one of the schemas combined at %s excludes properties of another"
                                .formatted(pointer));
            }
        }
    }
}

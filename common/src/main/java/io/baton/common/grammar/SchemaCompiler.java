package io.baton.common.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON Schema (draft 2020-12, the part that docs/api.md names) to a program. What is written is
 * always valid under the schema; not all that is valid is written: properties come in the schema's
 * order, properties that it does not name only where it says {@code additionalProperties}, and
 * numbers have a bounded count of digits.
 */
final class SchemaCompiler {
    private static final List<String> TYPES =
            List.of("object", "array", "string", "number", "integer", "boolean", "null");

    private final Program.Builder builder;
    private final Terminals terminals;
    private final SchemaTree tree;
    private final JsonValues values;
    private final SchemaContainers containers;
    private final Map<String, Integer> rules = new HashMap<>();
    private final ArrayDeque<Runnable> pending = new ArrayDeque<>();
    private int nodes;

    /** A schema, where it stands, and how many stand around it. */
    record Place(JsonNode schema, String pointer, int depth) {
        Place below(JsonNode inner, String name) {
            return new Place(inner, SchemaWords.at(pointer, name), depth + 1);
        }

        Place below(JsonNode inner, String name, int index) {
            return new Place(
                    inner,
                    SchemaWords.at(SchemaWords.at(pointer, name), Integer.toString(index)),
                    depth + 1);
        }

        Place instead(JsonNode other) {
            return new Place(other, pointer, depth + 1);
        }

        String at(String word) {
            return SchemaWords.at(pointer, word);
        }
    }

    SchemaCompiler(Program.Builder builder, Terminals terminals, JsonNode root) {
        this.builder = builder;
        this.terminals = terminals;
        this.tree = new SchemaTree(root);
        this.values = new JsonValues(builder, terminals);
        this.containers = new SchemaContainers(builder, terminals, values, this);
    }

    /** Adds the whole schema between two states. */
    void compile(int from, int to) {
        value(new Place(tree.root(), "#", 0), from, to);
        while (!pending.isEmpty()) {
            pending.poll().run();
        }
    }

    /** Adds the values of a schema between two states. */
    void value(Place place, int from, int to) {
        if (++nodes > GrammarLimits.MAX_SCHEMA_NODES) {
            throw Refusal.invalid(
                    "the schema has more than %d parts".formatted(GrammarLimits.MAX_SCHEMA_NODES));
        }
        if (place.depth() > GrammarLimits.MAX_SCHEMA_DEPTH) {
            throw Refusal.invalid(
                    "the schema is nested deeper than %d at %s"
                            .formatted(GrammarLimits.MAX_SCHEMA_DEPTH, place.pointer()));
        }
        if (place.schema().isBoolean()) {
            if (place.schema().booleanValue()) {
                values.value(from, to);
            }
            return;
        }
        if (!(place.schema() instanceof ObjectNode schema)) {
            throw Refusal.invalid(
                    "%s must be a schema: an object or a boolean".formatted(place.pointer()));
        }
        SchemaWords.check(schema, place.pointer());
        if (schema.has("$ref")) {
            reference(place, schema, from, to);
        } else if (schema.has("allOf")) {
            allOf(place, schema, from, to);
        } else if (schema.has("anyOf") || schema.has("oneOf")) {
            anyOf(place, schema, schema.has("anyOf") ? "anyOf" : "oneOf", from, to);
        } else if (schema.has("enum") || schema.has("const")) {
            builder.take(from, fixed(place, schema), to);
        } else if (SchemaWords.saysNothing(schema)) {
            values.value(from, to);
        } else {
            for (String type : types(place, schema)) {
                typed(place, schema, type, from, to);
            }
        }
    }

    private void reference(Place place, ObjectNode schema, int from, int to) {
        JsonNode reference = schema.get("$ref");
        if (!reference.isString()) {
            throw Refusal.invalid(place.at("$ref") + " must be a string");
        }
        ObjectNode rest = without(schema, "$ref");
        JsonNode target = tree.target(reference.stringValue(), place.at("$ref"));
        if (!SchemaWords.saysNothing(rest)) {
            value(place.instead(tree.both(rest, target, place.pointer())), from, to);
            return;
        }
        Integer rule = rules.get(reference.stringValue());
        if (rule == null) {
            int start = builder.state();
            int end = builder.end();
            rule = start;
            rules.put(reference.stringValue(), rule);
            Place there = new Place(target, reference.stringValue(), 0);
            pending.add(() -> value(there, start, end));
        }
        builder.call(from, rule, to);
    }

    private void allOf(Place place, ObjectNode schema, int from, int to) {
        ObjectNode all = without(schema, "allOf");
        for (JsonNode part : list(place, schema, "allOf")) {
            all = tree.both(all, part, place.at("allOf"));
        }
        value(place.instead(all), from, to);
    }

    private void anyOf(Place place, ObjectNode schema, String word, int from, int to) {
        ObjectNode rest = without(schema, word);
        boolean alone = SchemaWords.saysNothing(rest);
        int index = 0;
        for (JsonNode option : list(place, schema, word)) {
            Place inner = place.below(option, word, index++);
            value(
                    alone ? inner : inner.instead(tree.both(rest, option, inner.pointer())),
                    from,
                    to);
        }
    }

    private static JsonNode list(Place place, ObjectNode schema, String word) {
        JsonNode list = schema.get(word);
        if (!list.isArray() || list.isEmpty()) {
            throw Refusal.invalid(place.at(word) + " must be a list of schemas");
        }
        return list;
    }

    private static ObjectNode without(ObjectNode schema, String word) {
        ObjectNode rest = JsonNodeFactory.instance.objectNode();
        for (var entry : schema.properties()) {
            if (!entry.getKey().equals(word)) {
                rest.set(entry.getKey(), entry.getValue());
            }
        }
        return rest;
    }

    /** Values that are listed. */
    private Terminal fixed(Place place, ObjectNode schema) {
        for (String word : schema.propertyNames()) {
            if (!SchemaWords.isAnnotation(word)
                    && !Set.of("enum", "const", "type").contains(word)) {
                throw Refusal.unsupported(
                        "the keyword at %s is not supported beside enum or const"
                                .formatted(place.at(word)));
            }
        }
        List<String> types = schema.has("type") ? types(place, schema) : TYPES;
        JsonNode listed = schema.get("enum");
        if (listed != null && (!listed.isArray() || listed.size() > GrammarLimits.MAX_CHOICES)) {
            throw Refusal.invalid(
                    "%s must be a list of at most %d values"
                            .formatted(place.at("enum"), GrammarLimits.MAX_CHOICES));
        }
        JsonNode only = schema.get("const");
        Set<String> texts = new LinkedHashSet<>();
        for (JsonNode value : listed == null ? List.of(only) : listed) {
            boolean wanted = only == null || only.equals(value);
            if (wanted && types.stream().anyMatch(type -> isOfType(value, type))) {
                texts.add(JsonWriting.value(value));
            }
        }
        if (texts.isEmpty()) {
            throw Refusal.invalid("no value is left at " + place.pointer());
        }
        return terminals.texts(new ArrayList<>(texts));
    }

    private static boolean isOfType(JsonNode value, String type) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "number" -> value.isNumber();
            case "integer" -> value.isIntegralNumber();
            case "boolean" -> value.isBoolean();
            default -> value.isNull();
        };
    }

    /** The types a value may have: those that are named, or else those that the keywords are of. */
    private static List<String> types(Place place, ObjectNode schema) {
        JsonNode named = schema.get("type");
        if (named == null) {
            List<String> implied = new ArrayList<>();
            imply(schema, SchemaWords.OF_OBJECTS, "object", implied);
            imply(schema, SchemaWords.OF_LISTS, "array", implied);
            imply(schema, SchemaWords.OF_TEXTS, "string", implied);
            imply(schema, SchemaWords.OF_NUMBERS, "number", implied);
            return implied.isEmpty() ? TYPES : implied;
        }
        Set<String> types = new LinkedHashSet<>();
        for (JsonNode type : named.isArray() ? named : List.of(named)) {
            if (!type.isString() || !TYPES.contains(type.stringValue())) {
                throw Refusal.invalid(
                        "%s must be one or more of %s"
                                .formatted(place.at("type"), String.join(", ", TYPES)));
            }
            types.add(type.stringValue());
        }
        if (types.isEmpty()) {
            throw Refusal.invalid(place.at("type") + " names no type");
        }
        if (types.contains("number")) {
            types.remove("integer");
        }
        return List.copyOf(types);
    }

    private static void imply(
            ObjectNode schema, Set<String> words, String type, List<String> implied) {
        if (words.stream().anyMatch(schema::has)) {
            implied.add(type);
        }
    }

    private void typed(Place place, ObjectNode schema, String type, int from, int to) {
        Terminals.Shared shared = terminals.shared();
        switch (type) {
            case "object" -> containers.object(place, schema, from, to);
            case "array" -> containers.list(place, schema, from, to);
            case "string" -> builder.take(from, SchemaScalars.text(place, schema, terminals), to);
            case "number", "integer" ->
                    builder.take(
                            from,
                            SchemaScalars.number(place, schema, type.equals("integer"), terminals),
                            to);
            case "boolean" -> builder.take(from, shared.flag(), to);
            default -> builder.take(from, shared.nothing(), to);
        }
    }
}

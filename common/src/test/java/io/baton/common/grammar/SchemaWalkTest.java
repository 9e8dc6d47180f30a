package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.baton.common.generation.Constraint.Kind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written under a schema is valid, says a validator that we have not written. */
class SchemaWalkTest {
    private static final Walks TINY = Walks.over(FakeTokens.tiny());
    private static final Walks POOR =
            Walks.over(new FakeTokens(600, 5, Set.of(0x04, 0xf1, 0xf2, 0xc0, 0xff)));
    private static final Walks LARGE = Walks.over(new FakeTokens(50_000, 2, Set.of()));

    private static final Map<String, String> SCHEMAS = new LinkedHashMap<>();

    static {
        SCHEMAS.put(
                "person",
                """
                {"type": "object", "title": "Person", "properties": {
                  "name": {"type": "string", "minLength": 1, "maxLength": 20},
                  "age": {"type": "integer", "minimum": 0, "maximum": 120},
                  "tags": {"type": "array", "items": {"enum": ["red", "gr\\"een", "日本", 3, null]}, "maxItems": 3},
                  "note": {"type": ["string", "null"], "maxLength": 5}},
                 "required": ["name", "age"], "additionalProperties": false}
                """);
        SCHEMAS.put(
                "optional only",
                """
                {"properties": {"a": {"const": 1}, "b": {"type": "boolean"}, "c\\n\\"": {"type": "null"}}}
                """);
        SCHEMAS.put(
                "recursive",
                """
                {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
                   "value": {"type": "number"},
                   "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}},
                  "required": ["value"], "additionalProperties": false}}}
                """);
        SCHEMAS.put(
                "numbers",
                """
                {"type": "object", "properties": {
                  "a": {"type": "number", "minimum": -1.5, "maximum": 2.25},
                  "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
                  "c": {"type": "integer", "minimum": -12, "maximum": 305},
                  "d": {"type": "integer", "exclusiveMaximum": -99},
                  "e": {"type": "number", "minimum": 1000.0625},
                  "f": {"type": "integer", "minimum": 7, "maximum": 7}},
                 "required": ["a", "b", "c", "d", "e", "f"]}
                """);
        SCHEMAS.put(
                "numbers with formats",
                """
                {"type": "array", "minItems": 3, "maxItems": 4, "items":
                  {"type": "integer", "format": "int32", "minimum": 2147483000}}
                """);
        SCHEMAS.put(
                "formats",
                """
                {"type": "object", "properties": {
                  "a": {"type": "string", "format": "date"}, "b": {"type": "string", "format": "time"},
                  "c": {"type": "string", "format": "date-time"}, "d": {"type": "string", "format": "uuid"},
                  "f": {"type": "string", "format": "ipv4"},
                  "g": {"type": "string", "format": "ipv6"}, "h": {"type": "string", "format": "hostname"},
                  "i": {"type": "string", "format": "uri"}, "j": {"type": "string", "format": "duration"}},
                 "required": ["a", "b", "c", "d", "f", "g", "h", "i", "j"]}
                """);
        SCHEMAS.put(
                "patterns",
                """
                {"type": "array", "minItems": 2, "maxItems": 6, "items": {"anyOf": [
                  {"type": "string", "pattern": "^[A-Z]{2}-\\\\d{3}$"},
                  {"type": "string", "pattern": "ab+c", "maxLength": 9},
                  {"type": "string", "pattern": "^\\"quoted\\\\\\\\\\"$|^\\\\t.$"},
                  {"type": "string", "pattern": "^[^a-z]*$", "minLength": 3, "maxLength": 4}]}}
                """);
        SCHEMAS.put(
                "tuple",
                """
                {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}],
                 "items": {"type": "string", "maxLength": 3}, "maxItems": 4}
                """);
        SCHEMAS.put(
                "others",
                """
                {"type": "object", "properties": {"id": {"type": "integer"}},
                 "additionalProperties": {"type": "boolean"}, "required": ["id", "ok"]}
                """);
        SCHEMAS.put(
                "combined",
                """
                {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}],
                 "$defs": {"base": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
                """);
        SCHEMAS.put(
                "alternatives",
                """
                {"oneOf": [{"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
                            "required": ["kind", "lives"], "additionalProperties": false},
                           {"type": "object", "properties": {"kind": {"const": "car"}, "doors": {"enum": [2, 4]}},
                            "required": ["kind"], "additionalProperties": false},
                           {"type": "array", "items": {"type": "null"}, "minItems": 1}]}
                """);
        SCHEMAS.put("anything", "{}");
        SCHEMAS.put("any list", "{\"type\": \"array\"}");
        SCHEMAS.put("scalars", "{\"type\": [\"integer\", \"boolean\", \"null\"]}");
    }

    static Stream<Arguments> schemas() {
        return SCHEMAS.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("schemas")
    void whatIsWrittenIsValid(String name, String schema) {
        requireValid(TINY, schema, 40);
        requireValid(POOR, schema, 10);
        requireValid(LARGE, schema, 3);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("schemas")
    void masksAreThoseOfTryingEveryToken(String name, String schema) {
        Grammar grammar = POOR.compile(Kind.JSON_SCHEMA, schema);
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 4; i++) {
            POOR.requireExact(grammar, random, 40);
        }
    }

    /** Strings near their limits, where every count of characters has a mask of its own. */
    @Test
    void masksOfCountedStringsAreThoseOfTryingEveryToken() {
        Walks walks = Walks.over(new FakeTokens(2000, 9, Set.of(0xf1)));
        SplittableRandom random = new SplittableRandom(4);
        for (int[] length :
                new int[][] {{0, 0}, {0, 1}, {1, 2}, {3, 3}, {0, 9}, {7, 40}, {12, -1}}) {
            String most = length[1] < 0 ? "" : ", \"maxLength\": %d".formatted(length[1]);
            String text = "{\"type\": \"string\", \"minLength\": %d%s}".formatted(length[0], most);
            Grammar grammar =
                    walks.compile(
                            Kind.JSON_SCHEMA,
                            "{\"type\": \"array\", \"items\": %s, \"maxItems\": 3}"
                                    .formatted(text));
            for (int i = 0; i < 2; i++) {
                walks.requireExact(grammar, random, 20);
            }
        }
    }

    /** Apart: the validator looks top-level domains up in a list. */
    @Test
    void mailAddresses() {
        Grammar grammar =
                TINY.compile(Kind.JSON_SCHEMA, "{\"type\": \"string\", \"format\": \"email\"}");
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 50; i++) {
            String text = TINY.walk(grammar, random, 300, 2).orElseThrow();
            assertTrue(
                    text.matches("\"[\\w.+-]{1,64}@([a-z0-9-]{1,63}\\.){1,4}[a-z]{2,6}\""), text);
        }
    }

    @Test
    void anyObject() {
        Grammar grammar = TINY.compile(Kind.JSON_OBJECT, "");
        Schema schema = validator("{\"type\": \"object\"}");
        SplittableRandom random = new SplittableRandom(11);
        int ended = 0;
        for (int i = 0; i < 200; i++) {
            Optional<String> text = TINY.walk(grammar, random, 600, 1);
            ended += text.isPresent() ? 1 : 0;
            text.ifPresent(t -> assertEquals(List.of(), errors(schema, t), t));
        }
        assertTrue(ended >= 50, ended + " ended");
    }

    private static void requireValid(Walks walks, String source, int wanted) {
        Grammar grammar = walks.compile(Kind.JSON_SCHEMA, source);
        Schema schema = validator(source);
        SplittableRandom random = new SplittableRandom(source.hashCode());
        int ended = 0;
        for (int i = 0; i < 20 * wanted && ended < wanted; i++) {
            Optional<String> text = walks.walk(grammar, random, 1500, 4);
            if (text.isPresent()) {
                ended++;
                assertEquals(List.of(), errors(schema, text.get()), text.get());
            }
        }
        assertEquals(wanted, ended, "answers that ended");
    }

    private static Schema validator(String source) {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(source, InputFormat.JSON);
    }

    private static List<Error> errors(Schema schema, String text) {
        return schema.validate(
                text,
                InputFormat.JSON,
                context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)));
    }
}

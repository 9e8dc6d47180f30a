package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.Constraint.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is refused, and that it is refused by name and by counting, not by running out. */
class HostileConstraintTest {
    private static final Walks WALKS = Walks.over(FakeTokens.tiny());

    private static BatonException refused(Kind kind, String text) {
        BatonException e = assertThrows(BatonException.class, () -> WALKS.compile(kind, text));
        assertEquals("test", e.param());
        assertEquals(400, e.code().status());
        return e;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"type\":\"integer\",\"multipleOf\":3} | #/multipleOf",
                "{\"properties\":{\"a/b\":{\"not\":{}}}} | #/properties/a~1b/not",
                "{\"items\":{\"uniqueItems\":true}} | #/items/uniqueItems",
                "{\"type\":\"string\",\"format\":\"iri\"} | #/format",
                "{\"type\":\"integer\",\"format\":\"uint7\"} | #/format",
                "{\"if\":{}} | #/if",
                "{\"patternProperties\":{}} | #/patternProperties",
                "{\"anyOf\":[{},{\"contains\":{}}]} | #/anyOf/1/contains",
                "{\"$ref\":\"http://x/y\"} | #/$ref",
                "{\"enum\":[\"a\"],\"minLength\":2} | #/minLength",
                "{\"type\":\"string\",\"pattern\":\"(?=a)b\"} | look-around",
                "{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"} | back references",
                "{\"type\":\"string\",\"pattern\":\"a\\\\b\"} | word boundaries",
                "{\"frobnicate\":1} | #/frobnicate",
            })
    void whatIsNotHonouredIsRefusedByName(String schema, String named) {
        BatonException e = refused(Kind.JSON_SCHEMA, schema);
        assertEquals(ErrorCode.UNSUPPORTED_PARAMETER, e.code());
        assertTrue(e.text().contains(named), e.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"$ref\":\"#\"} | without an end",
                "{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]} | refers to itself",
                "{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]} | without an end",
                "{\"allOf\":[{\"$ref\":\"#\"}],\"type\":\"object\"} | ",
                "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4} | nothing",
                "{\"type\":\"string\",\"minLength\":5,\"maxLength\":4} | maxLength",
                "{\"type\":\"string\",\"pattern\":\"^a$\",\"minLength\":2} | nothing",
                "{\"type\":\"array\",\"minItems\":5,\"maxItems\":4} | at least 5",
                "{\"type\":\"array\",\"maxItems\":100000} | states",
                "{\"type\":\"array\",\"maxItems\":-1} | maxItems",
                "{\"type\":\"strange\"} | #/type",
                "{\"type\":[]} | #/type",
                "{\"enum\":[]} | no value",
                "{\"type\":\"string\",\"enum\":[1]} | no value",
                "{\"$ref\":\"#/nowhere\"} | no schema",
                "{\"required\":[\"a\"],\"additionalProperties\":false} | required",
                "{\"properties\":{\"a\":false},\"required\":[\"a\"]} | no value",
                "false | no value",
                "17 | schema",
                "{\"a\" | JSON",
                "{\"minimum\":1e400000} | digits",
                "{\"type\":\"number\",\"minimum\":0.00000000000000000001} | digits",
            })
    void whatCannotBeIsRefused(String schema, @org.jspecify.annotations.Nullable String named) {
        BatonException e = refused(Kind.JSON_SCHEMA, schema);
        assertTrue(named == null || e.text().contains(named), e.text());
    }

    @Test
    void sizeIsBounded() {
        String many =
                IntStream.range(0, 600)
                        .mapToObj("\"p%d\": {\"type\": \"integer\"}"::formatted)
                        .collect(Collectors.joining(",", "{\"properties\": {", "}}"));
        assertTrue(refused(Kind.JSON_SCHEMA, many).text().contains("512"));
        String deep = "{\"items\":".repeat(40) + "{}" + "}".repeat(40);
        assertTrue(refused(Kind.JSON_SCHEMA, deep).text().contains("deeper"));
        refused(Kind.JSON_SCHEMA, "[".repeat(100_000));
        refused(Kind.JSON_SCHEMA, "{\"x-a\":\"%s\"}".formatted("a".repeat(300_000)));
        // Each level doubles: counted as it is written, it ends.
        StringBuilder doubling = new StringBuilder("{\"$defs\":{");
        for (int i = 0; i < 30; i++) {
            doubling.append(
                    "\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\",\"type\":\"object\"},{\"$ref\":\"#/$defs/d%d\",\"type\":\"object\"}]},"
                            .formatted(i, i + 1, i + 1));
        }
        doubling.append("\"d30\":{\"type\":\"object\"}},\"$ref\":\"#/$defs/d0\"}");
        refused(Kind.JSON_SCHEMA, doubling.toString());
    }

    /** Schemas put into one: neither endless, nor as deep as two circles, nor one for each way. */
    @Test
    void combiningIsBounded() {
        String circles =
                """
                {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {
                  "a": {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}, "p": {}}},
                  "b": {"type": "object", "properties": {"x": {"$ref": "#/$defs/b"}, "q": {}}}}}
                """;
        assertTrue(refused(Kind.JSON_SCHEMA, circles).text().contains("circle"));
        StringBuilder ways = new StringBuilder("{\"allOf\":[{\"$ref\":\"#/$defs/a0\"},");
        ways.append("{\"$ref\":\"#/$defs/b0\"}],\"$defs\":{");
        for (int i = 0; i < 25; i++) {
            for (String name : List.of("a", "b")) {
                String next = "{\"$ref\":\"#/$defs/%s%d\"}".formatted(name, i + 1);
                ways.append(
                        "\"%s%d\":{\"properties\":{\"%s\":{},\"x\":%s,\"y\":%s}},"
                                .formatted(name, i, name, next, next));
            }
        }
        ways.append("\"a25\":{},\"b25\":{\"type\":\"null\"}}}");
        assertTrue(refused(Kind.JSON_SCHEMA, ways.toString()).text().contains("combining"));
        String many =
                IntStream.range(0, 4000)
                        .mapToObj("{\"properties\":{\"p%d\":{}}}"::formatted)
                        .collect(Collectors.joining(",", "{\"allOf\":[", "]}"));
        assertTrue(refused(Kind.JSON_SCHEMA, many).text().contains("combining"));
    }

    /** Automata that each just pass are refused together. */
    @Test
    void theAutomataOfOneSchemaAreBoundedTogether() {
        String many =
                IntStream.range(1000, 1400)
                        .mapToObj("{\"type\":\"string\",\"pattern\":\"^(a?){%d}$\"}"::formatted)
                        .collect(Collectors.joining(",", "{\"anyOf\":[", "]}"));
        assertTrue(refused(Kind.JSON_SCHEMA, many).text().contains("automata"));
    }

    @Test
    void regularExpressionsAreBounded() {
        for (String source :
                List.of(
                        "(a{4000}){4000}",
                        "((((a{100}){100}){100}){100})",
                        "a{5000}",
                        "(a|b)*a(a|b){60}",
                        "(".repeat(100) + ")".repeat(100),
                        "x".repeat(9000),
                        "(a",
                        "a)",
                        "[a",
                        "a**",
                        "*a",
                        "a{2,1}",
                        "a{x}",
                        "\\",
                        "\\ud800",
                        "[]",
                        "[b-a]",
                        "(?i)a",
                        "a(?<=b)",
                        "a^b",
                        "\\p{L}",
                        "a{1,2}+")) {
            refused(Kind.REGEX, source);
        }
    }

    @Test
    void choicesAreBounded() {
        refused(Kind.CHOICE, "[]");
        refused(Kind.CHOICE, "[\"\"]");
        refused(Kind.CHOICE, "[\"a\", 1]");
        refused(Kind.CHOICE, "{\"a\": 1}");
        List<String> many = new ArrayList<>();
        IntStream.range(0, 1025).forEach(i -> many.add("\"c" + i + "\""));
        refused(Kind.CHOICE, many.toString());
    }

    /** Two readings of everything that is nested: their number would double with each level. */
    @Test
    void ambiguityStaysCheap() {
        String schema =
                """
                {"$ref": "#/$defs/e", "$defs": {"e": {"anyOf": [
                   {"type": "object", "properties": {"left": {"$ref": "#/$defs/e"}, "add": {"type": "integer"}}, "required": ["left", "add"]},
                   {"type": "object", "properties": {"left": {"$ref": "#/$defs/e"}, "mul": {"type": "integer"}}, "required": ["left", "mul"]},
                   {"type": "null"}]}}}
                """;
        Grammar grammar = WALKS.compile(Kind.JSON_SCHEMA, schema);
        String text = "{\"left\":".repeat(25) + "null" + ",\"mul\":1}".repeat(25);
        assertTrue(grammar.accepts(text));
        GrammarState state = grammar.first();
        int most = 0;
        for (byte octet : text.getBytes(java.nio.charset.StandardCharsets.UTF_8)) {
            state = Objects.requireNonNull(state.after(octet & 0xff));
            most = Math.max(most, state.size());
        }
        assertTrue(most < 20, most + " places");
    }

    /** Recursion goes only as deep as it can be brought to an end. */
    @Test
    void nestingIsBounded() {
        String schema =
                "{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}, \"minItems\": 0, \"maxItems\": 1}";
        Grammar grammar = WALKS.compile(Kind.JSON_SCHEMA, schema);
        assertTrue(grammar.accepts("[".repeat(30) + "]".repeat(30)));
        assertTrue(!grammar.accepts("[".repeat(100) + "]".repeat(100)));
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 20; i++) {
            assertTrue(WALKS.walk(grammar, random, 2000, 1_000_000).isPresent());
        }
    }
}

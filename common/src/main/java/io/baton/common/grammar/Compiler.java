package io.baton.common.grammar;

import io.baton.common.generation.Constraint;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** From a constraint's text to a program. */
final class Compiler {
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private Compiler() {}

    static Program compile(Constraint constraint, Terminals terminals) {
        Program.Builder builder = new Program.Builder();
        int start = builder.state();
        int end = builder.end();
        String text = constraint.text();
        switch (constraint.kind()) {
            case REGEX ->
                    builder.take(
                            start,
                            terminals.regex(RegexParser.whole(text), Nfa.Writing.PLAIN),
                            end);
            case CHOICE -> builder.take(start, terminals.texts(choices(text)), end);
            case JSON_OBJECT -> new JsonValues(builder, terminals).object(start, end);
            case JSON_SCHEMA ->
                    new SchemaCompiler(builder, terminals, json(text)).compile(start, end);
            case TOOLS -> ToolGrammar.compile(json(text), builder, terminals, start, end);
        }
        return builder.build(start);
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JacksonException e) {
            throw Refusal.invalid("not readable as JSON: " + e.getOriginalMessage());
        }
    }

    private static List<String> choices(String text) {
        JsonNode node = json(text);
        List<String> texts = new ArrayList<>();
        if (node.isArray() && node.size() <= GrammarLimits.MAX_CHOICES) {
            for (JsonNode element : node) {
                if (element.isString() && !element.stringValue().isEmpty()) {
                    texts.add(element.stringValue());
                }
            }
        }
        if (texts.isEmpty() || texts.size() != node.size()) {
            throw Refusal.invalid(
                    "a choice is a list of 1 to %d strings, none empty"
                            .formatted(GrammarLimits.MAX_CHOICES));
        }
        return texts;
    }
}

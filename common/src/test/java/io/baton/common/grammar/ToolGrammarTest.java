package io.baton.common.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.generation.Constraint;
import io.baton.common.tools.Tool;
import io.baton.common.tools.ToolCallParser;
import io.baton.common.tools.ToolConstraint;
import io.baton.common.tools.ToolEvent;
import io.baton.common.tools.ToolStyle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a model is held to write as calls, the family's parser finds, valid under the schemas. */
class ToolGrammarTest {
    private static final Walks WALKS = Walks.over(FakeTokens.tiny());
    private static final List<Tool> TOOLS =
            List.of(
                    new Tool(
                            "get_weather",
                            null,
                            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":6},\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":7}},\"required\":[\"city\"],\"additionalProperties\":false}",
                            true),
                    new Tool("now", null, null, true));

    private record Calls(String text, List<String> names, List<StringBuilder> arguments) {}

    private static Calls read(ToolStyle style, String answer) {
        Calls calls = new Calls("", new ArrayList<>(), new ArrayList<>());
        ToolCallParser parser = new ToolCallParser(style, index -> "id", 1000);
        StringBuilder text = new StringBuilder();
        List<ToolEvent> events = new ArrayList<>(parser.push(answer));
        events.addAll(parser.finish());
        for (ToolEvent event : events) {
            switch (event) {
                case ToolEvent.Text(String more) -> text.append(more);
                case ToolEvent.Start(int _, String _, String name) -> {
                    calls.names().add(name);
                    calls.arguments().add(new StringBuilder());
                }
                case ToolEvent.Arguments(int index, String delta) ->
                        calls.arguments().get(index).append(delta);
            }
        }
        return new Calls(text.toString(), calls.names(), calls.arguments());
    }

    private static void requireValid(Calls calls) {
        for (int i = 0; i < calls.names().size(); i++) {
            String name = calls.names().get(i);
            Tool tool = TOOLS.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
            String arguments = calls.arguments().get(i).toString();
            assertTrue(
                    WALKS.compile(Constraint.Kind.JSON_SCHEMA, tool.schema()).accepts(arguments),
                    arguments);
        }
    }

    private static Grammar compile(ToolStyle style, boolean many, boolean mayAnswer) {
        return WALKS.grammars().compile(ToolConstraint.of(style, TOOLS, many, mayAnswer), "tools");
    }

    @ParameterizedTest
    @EnumSource(ToolStyle.class)
    void callsThatMustBeMadeAlwaysParse(ToolStyle style) {
        SplittableRandom random = new SplittableRandom(style.ordinal());
        int several = 0;
        for (int i = 0; i < 60; i++) {
            String answer = WALKS.walk(compile(style, true, false), random, 900, 3).orElseThrow();
            Calls calls = read(style, answer);
            assertEquals("", calls.text(), answer);
            assertTrue(!calls.names().isEmpty(), answer);
            several += calls.names().size() > 1 ? 1 : 0;
            requireValid(calls);
            String one = WALKS.walk(compile(style, false, false), random, 900, 3).orElseThrow();
            assertEquals(1, read(style, one).names().size(), one);
        }
        boolean takesSeveral = style != ToolStyle.LLAMA3 && style != ToolStyle.GEMMA;
        assertEquals(takesSeveral, several > 0);
    }

    @ParameterizedTest
    @EnumSource(ToolStyle.class)
    void strictToolsMayBeLeftUncalled(ToolStyle style) {
        Grammar grammar = compile(style, true, true);
        assertTrue(grammar.accepts("It is [warm] {today}, `so` <b>to say</b>."));
        assertTrue(grammar.accepts(""));
        SplittableRandom random = new SplittableRandom(style.ordinal());
        for (int i = 0; i < 20; i++) {
            Optional<String> answer = WALKS.walk(grammar, random, 60, 4);
            answer.ifPresent(text -> requireValid(read(style, text)));
        }
        if (!style.isBare()) {
            String opened = "Well. " + style.openers().getFirst();
            assertTrue(!grammar.accepts(opened + "nonsense"), opened);
        }
    }

    @Test
    void aControlTokenIsTheMark() {
        FakeTokens tokens = FakeTokens.tiny();
        Grammar grammar =
                WALKS.compile(
                        Constraint.Kind.TOOLS,
                        "{\"style\":\"hermes\",\"tools\":[{\"name\":\"f\"}]}");
        TokenConstraint constraint = WALKS.grammars().start(grammar, Walks.ENDS);
        TokenMask mask = constraint.mask(new int[0], 0, 0);
        assertTrue(!mask.allows(FakeTokens.CALL), "<call> is not <tool_call>");
        assertTrue(mask.allows(3 + '<'));
        assertEquals(400, tokens.vocabSize());
        Terminal marked = new Terminals(tokens).marker("<call>");
        int state = marked.step(Terminal.START, Octets.CONTROL_MARK);
        assertTrue(state != Terminal.DEAD);
    }

    @Test
    void whatIsWrongInASchemaSaysWhichTool() {
        List<Tool> bad =
                List.of(new Tool("f", null, "{\"properties\":{\"a\":{\"not\":{}}}}", false));
        BatonException e =
                assertThrows(
                        BatonException.class,
                        () ->
                                WALKS.grammars()
                                        .compile(
                                                ToolConstraint.of(
                                                        ToolStyle.HERMES, bad, true, false),
                                                "tools"));
        assertTrue(e.text().contains("parameters of f") && e.text().contains("#/properties/a/not"));
        assertEquals("tools", e.param());
    }
}

package io.baton.common.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls in each family's syntax, however the answer is cut. */
class ToolCallParserTest {
    /** Text and calls, put together. */
    private record Answer(String text, List<String> calls) {}

    private static Answer read(ToolStyle style, List<String> cuts, int max) {
        ToolCallParser parser = new ToolCallParser(style, index -> "id" + index, max);
        StringBuilder text = new StringBuilder();
        List<String> names = new ArrayList<>();
        List<StringBuilder> arguments = new ArrayList<>();
        List<ToolEvent> events = new ArrayList<>();
        cuts.forEach(cut -> events.addAll(parser.push(cut)));
        events.addAll(parser.finish());
        for (ToolEvent event : events) {
            switch (event) {
                case ToolEvent.Text(String more) -> text.append(more);
                case ToolEvent.Start(int index, String id, String name) -> {
                    assertEquals(names.size(), index);
                    assertEquals("id" + index, id);
                    names.add(name);
                    arguments.add(new StringBuilder());
                }
                case ToolEvent.Arguments(int index, String delta) -> {
                    assertEquals(names.size() - 1, index);
                    assertTrue(!delta.isEmpty());
                    arguments.get(index).append(delta);
                }
            }
        }
        assertEquals(names.size(), parser.calls());
        List<String> calls = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            calls.add(names.get(i) + arguments.get(i));
        }
        return new Answer(text.toString(), calls);
    }

    private static List<String> cut(String text, SplittableRandom random) {
        List<String> cuts = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int to = Math.min(text.length(), from + random.nextInt(1, 6));
            cuts.add(text.substring(from, to));
            from = to;
        }
        return cuts;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '^',
            value = {
                "HERMES ~ <tool_call>%n{\"name\": \"f\", \"arguments\": {\"a\": [1, \"}\"]}}%n</tool_call> ~ ^ ^ ~ f{\"a\": [1, \"}\"]}",
                "HERMES ~ Let me see.%n<tool_call>{\"arguments\": {\"a\": 1}, \"name\": \"f\"}</tool_call>%n<tool_call>%n{\"name\": \"g\", \"arguments\": {}}</tool_call>%n ~ Let me see. ~ f{\"a\": 1};g{}",
                "HERMES ~ a < b and <tool is no call ~ a < b and <tool is no call ~ ^ ^",
                "HERMES ~ <tool_call>nothing</tool_call> ~ <tool_call>nothing</tool_call> ~ ^ ^",
                "HERMES ~ <tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 2}\"}</tool_call> and so on ~ and so on ~ f{\"a\": 2}",
                "HERMES ~ <tool_call>{\"name\": \"f\"}</tool_call> ~ ^ ^ ~ f{}",
                "HERMES ~ <tool_call>{\"name\": \"f\", \"arguments\": null}</tool_call> ~ ^ ^ ~ f{}",
                "HERMES ~ <tool_call>{\"name\": \"f\", \"arguments\": {\"a\": ~ ^ ^ ~ f{\"a\":",
                "HERMES ~ <tool_call>{\"name\": \"f ~ <tool_call>{\"name\": \"f ~ ^ ^",
                "SMOLLM ~ <tool_call>[{\"name\": \"f\", \"arguments\": {\"x\": \"\\\"]\"}}, {\"name\": \"g\", \"arguments\": {}}]</tool_call> ~ ^ ^ ~ f{\"x\": \"\\\"]\"};g{}",
                "SMOLLM ~ Sure: <tool_call>[]</tool_call> ~ Sure: <tool_call>[]</tool_call> ~ ^ ^",
                "LLAMA3 ~ {\"name\": \"f\", \"parameters\": {\"a\": {\"b\": 1}}} ~ ^ ^ ~ f{\"a\": {\"b\": 1}}",
                "LLAMA3 ~ <|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}} ~ ^ ^ ~ f{};g{}",
                "LLAMA3 ~ {\"name\": \"Ann\", \"age\": 3} ~ {\"name\": \"Ann\", \"age\": 3} ~ ^ ^",
                "LLAMA3 ~ I think {\"name\": \"f\", \"parameters\": {}} ~ I think {\"name\": \"f\", \"parameters\": {}} ~ ^ ^",
                "MISTRAL ~ [TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", \"arguments\": {\"b\": 2}}] ~ ^ ^ ~ f{\"a\": 1};g{\"b\": 2}",
                "MISTRAL ~ An [array] is no [TOOL ~ An [array] is no [TOOL ~ ^ ^",
                "MISTRAL_ARGS ~ [TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]g.h[CALL_ID]x1[ARGS]{} ~ ^ ^ ~ f{\"a\": 1};g.h{}",
                "MISTRAL_ARGS ~ Text. [TOOL_CALLS]f{\"a\": 1} ~ Text. ~ f{\"a\": 1}",
                "PHI4 ~ functools[{\"name\": \"f\", \"arguments\": {\"a\": 1}}] ~ ^ ^ ~ f{\"a\": 1}",
                "PHI4 ~ <|tool_call|>[{\"name\": \"f\", \"arguments\": {}}]<|/tool_call|> ~ ^ ^ ~ f{}",
                "PHI4 ~ use functools.partial here ~ use functools.partial here ~ ^ ^",
                "GEMMA ~ ```tool_code%n{\"name\": \"f\", \"parameters\": {\"a\": 1}}%n``` ~ ^ ^ ~ f{\"a\": 1}",
                "GEMMA ~ Look: ```json%n{\"x\": 1}%n``` done ~ Look: ```json%n{\"x\": 1}%n``` done ~ ^ ^",
                "GEMMA ~ {\"name\": \"f\", \"parameters\": {}} ~ ^ ^ ~ f{}",
            })
    void callsAndText(ToolStyle style, String source, String text, String calls) {
        String answer = source.replace("%n", "\n");
        List<String> expected = calls.isBlank() ? List.of() : List.of(calls.strip().split(";", -1));
        SplittableRandom random = new SplittableRandom(answer.hashCode());
        for (int i = 0; i < 60; i++) {
            List<String> cuts = i == 0 ? List.of(answer) : cut(answer, random);
            Answer read = read(style, cuts, 128);
            assertEquals(expected, read.calls(), cuts.toString());
            assertEquals(text.strip().replace("%n", "\n"), read.text().strip(), cuts.toString());
        }
    }

    @Test
    void textStreamsUpToAMarker() {
        ToolCallParser parser = new ToolCallParser(ToolStyle.HERMES, i -> "id" + i, 128);
        assertEquals(List.of(new ToolEvent.Text("One")), parser.push("One "));
        assertEquals(List.of(new ToolEvent.Text(" two")), parser.push("two <to"));
        assertEquals(List.of(), parser.push("ol_call>{\"name\": \"f\", \"arguments\": "));
        assertEquals(
                List.of(new ToolEvent.Start(0, "id0", "f"), new ToolEvent.Arguments(0, "{\"a\"")),
                parser.push("{\"a\""));
        assertEquals(List.of(new ToolEvent.Arguments(0, ": 1}")), parser.push(": 1}}\n"));
        assertEquals(List.of(), parser.push("</tool_call>\n"));
        assertEquals(List.of(), parser.finish());
    }

    @Test
    void callsBeyondTheLimitAreLeftOut() {
        String answer =
                "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call><tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>";
        assertEquals(
                new Answer("", List.of("f{\"a\": 1}")), read(ToolStyle.HERMES, List.of(answer), 1));
    }
}

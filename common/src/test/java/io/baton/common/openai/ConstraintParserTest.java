package io.baton.common.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.generation.Constraint;
import io.baton.common.generation.Constraint.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Structured output and tools in requests. */
class ConstraintParserTest {
    private static ChatRequest chat(String more) {
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" + more + "}";
        return RequestParser.chat(body.getBytes(StandardCharsets.UTF_8));
    }

    private static BatonException refused(String more) {
        BatonException e = assertThrows(BatonException.class, () -> chat(more));
        assertEquals(400, e.code().status());
        return e;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"response_format\":{\"type\":\"json_object\"} | JSON_OBJECT | | response_format",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"strict\":true,\"schema\":{\"type\":\"null\"}}} | JSON_SCHEMA | {\"type\":\"null\"} | response_format.json_schema.schema",
                "\"guided_json\":{\"type\":\"null\"} | JSON_SCHEMA | {\"type\":\"null\"} | guided_json",
                "\"guided_json\":\"{}\" | JSON_SCHEMA | {} | guided_json",
                "\"guided_regex\":\"a+\" | REGEX | a+ | guided_regex",
                "\"guided_choice\":[\"a\",\"b\"] | CHOICE | [\"a\",\"b\"] | guided_choice",
                "\"structured_outputs\":{\"json\":{}} | JSON_SCHEMA | {} | structured_outputs.json",
                "\"structured_outputs\":{\"regex\":\"b\",\"grammar\":null} | REGEX | b | structured_outputs.regex",
                "\"structured_outputs\":{\"choice\":[\"a\"]} | CHOICE | [\"a\"] | structured_outputs.choice",
                "\"structured_outputs\":{\"json_object\":true} | JSON_OBJECT | | structured_outputs.json_object",
            })
    void everySpelling(
            String field, Kind kind, @org.jspecify.annotations.Nullable String text, String param) {
        ConstraintOption option =
                Objects.requireNonNull(chat("," + field).options().sampling().constraint());
        assertEquals(new Constraint(kind, text == null ? "" : text), option.constraint());
        assertEquals(param, option.param());
    }

    @Test
    void textAsksForNothing() {
        assertNull(
                chat(",\"response_format\":{\"type\":\"text\"},\"structured_outputs\":{}")
                        .options()
                        .sampling()
                        .constraint());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"response_format\":{\"type\":\"json_schema\"} | response_format.json_schema",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{}}} | response_format.json_schema.name",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}} | response_format.json_schema.schema",
                "\"response_format\":{\"type\":\"xml\"} | response_format.type",
                "\"response_format\":{\"type\":\"json_object\",\"more\":1} | response_format.more",
                "\"response_format\":\"json\" | response_format",
                "\"guided_json\":3 | guided_json",
                "\"guided_choice\":\"a\" | guided_choice",
                "\"structured_outputs\":{\"grammar\":\"x\"} | structured_outputs.grammar",
                "\"guided_regex\":\"a\",\"guided_json\":{} | guided_regex",
                "\"tools\":[{}] | tools[0].type",
                "\"tools\":[{\"type\":\"function\"}] | tools[0].function",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}] | tools[0].function.name",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":3}}] | tools[0].function.parameters",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}},{\"type\":\"function\",\"function\":{\"name\":\"a\"}}] | tools[1].function.name",
                "\"tool_choice\":\"required\" | tool_choice",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}],\"tool_choice\":\"maybe\" | tool_choice",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}} | tool_choice",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}],\"guided_regex\":\"a\" | guided_regex",
                "\"functions\":[{\"name\":\"a\"}] | functions",
            })
    void whatIsWrongIsNamed(String fields, String param) {
        assertEquals(param, refused("," + fields).param());
    }

    @Test
    void toolsAndTheirChoice() {
        String tools =
                ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"description\":\"d\",\"strict\":true,\"parameters\":{\"type\":\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":\"b\"}}]";
        ToolUse auto = chat(tools).tools();
        assertEquals(ToolUse.Choice.AUTO, auto.choice());
        assertEquals(2, auto.tools().size());
        assertTrue(auto.tools().get(0).strict());
        assertTrue(auto.parallel());
        assertEquals(
                ToolUse.Choice.REQUIRED,
                chat(tools + ",\"tool_choice\":\"required\"").tools().choice());
        ToolUse named =
                chat(tools
                                + ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}}")
                        .tools();
        assertEquals("b", named.tools().getFirst().name());
        assertEquals(1, named.tools().size());
        assertEquals(2, named.plain().size(), "the model sees all");
        assertTrue(!named.parallel());
        assertTrue(chat(tools + ",\"tool_choice\":\"none\"").tools().isEmpty());
        assertTrue(!chat(tools + ",\"parallel_tool_calls\":false").tools().parallel());
    }

    @Test
    void callsAndTheirResultsAreMessages() {
        ChatRequest request =
                RequestParser.chat(
                        """
                        {"messages": [{"role": "user", "content": "a"},
                          {"role": "assistant", "content": null, "tool_calls": [
                             {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                          {"role": "tool", "tool_call_id": "call_1", "content": "42"}]}
                        """
                                .getBytes(StandardCharsets.UTF_8));
        ChatMessage calling = request.messages().get(1);
        assertEquals("", calling.content());
        assertEquals(new ChatMessage.Call("call_1", "f", "{}"), calling.calls().getFirst());
        assertEquals("call_1", request.messages().get(2).callId());
        for (String bad :
                new String[] {
                    "{\"role\":\"tool\",\"content\":\"x\"}",
                    "{\"role\":\"user\",\"content\":\"x\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\"}}]}",
                    "{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}",
                    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{}}]}",
                    "{\"role\":\"assistant\",\"content\":null}",
                    "{\"role\":\"function\",\"content\":\"x\"}"
                }) {
            BatonException e =
                    assertThrows(
                            BatonException.class,
                            () ->
                                    RequestParser.chat(
                                            ("{\"messages\":[" + bad + "]}")
                                                    .getBytes(StandardCharsets.UTF_8)));
            assertEquals(400, e.code().status());
        }
    }
}

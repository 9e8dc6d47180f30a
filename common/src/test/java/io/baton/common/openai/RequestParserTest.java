package io.baton.common.openai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingChoice;
import io.baton.common.generation.SamplingParams;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestParserTest {
    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private static ChatRequest chat(String extra) {
        return RequestParser.chat(
                bytes("{" + MESSAGES + (extra.isEmpty() ? "" : ",") + extra + "}"));
    }

    private static CompletionRequest completion(String extra) {
        return RequestParser.completion(bytes("{\"prompt\":\"hi\"," + extra + "}"));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static BatonException refused(byte[] body) {
        return assertThrows(BatonException.class, () -> RequestParser.chat(body));
    }

    @Test
    void readsEveryHonouredField() {
        ChatRequest request =
                chat(
                        """
                        "model":"m","max_completion_tokens":7,"n":2,"stop":["a","b"],"temperature":0.5,
                        "top_p":0.9,"seed":-3,"stream":true,
                        "stream_options":{"include_usage":true,"continuous_usage_stats":true},
                        "frequency_penalty":1,"presence_penalty":-1,"logit_bias":{"5":-100,"6":1.5},
                        "logprobs":true,"top_logprobs":3,"ignore_eos":true,"min_tokens":2,"top_k":40,
                        "min_p":0.1,"repetition_penalty":1.1,"stop_token_ids":[1,2],
                        "include_stop_str_in_output":true,"skip_special_tokens":false,
                        "request_id":"r-1","session_id":"s","cache_salt":"c","user":"u","metadata":{},
                        "add_generation_prompt":false,"continue_final_message":true,
                        "chat_template_kwargs":{"enable_thinking":false},
                        "priority":-4,"deadline_ms":1500,"speculative":false
                        """);
        GenerationOptions options = request.options();
        assertEquals("m", options.model());
        assertEquals(7, options.maxTokens().getAsInt());
        assertEquals(2, options.n());
        assertEquals(new GenerationOptions.Streaming(true, true, true), options.streaming());
        assertEquals(new GenerationOptions.Labels("r-1", "s", "c"), options.labels());
        assertEquals(
                new GenerationOptions.Service(-4, OptionalLong.of(1500), false), options.service());
        assertTrue(request.continueFinalMessage());
        assertEquals(Map.of("enable_thinking", false), request.templateVariables());
        assertEquals(
                new SamplingParams(
                        7,
                        2,
                        0.5f,
                        40,
                        0.9f,
                        0.1f,
                        1f,
                        -1f,
                        1.1f,
                        Map.of(5, -100f, 6, 1.5f),
                        -3,
                        List.of("a", "b"),
                        Set.of(1, 2),
                        true,
                        true,
                        false,
                        3,
                        -1,
                        null,
                        Set.of()),
                options.sampling()
                        .params(7, options.sampling().seed().getAsLong(), SamplingChoice.NONE));
    }

    @Test
    void whatAModelRecommendsHoldsWhereTheRequestSaysNothing() {
        SamplingChoice model =
                new SamplingChoice(
                        OptionalDouble.of(0.6),
                        OptionalInt.of(20),
                        OptionalDouble.of(0.95),
                        OptionalDouble.empty(),
                        OptionalDouble.of(1.05));
        SamplingParams said =
                chat("\"temperature\":0,\"top_k\":-1,\"repetition_penalty\":1")
                        .options()
                        .sampling()
                        .params(7, 3, model);
        assertEquals(0f, said.temperature());
        assertEquals(0, said.topK());
        assertEquals(1f, said.repetitionPenalty());
        assertEquals(0.95f, said.topP());
        SamplingParams silent = chat("\"n\":1").options().sampling().params(7, 3, model);
        assertEquals(0.6f, silent.temperature());
        assertEquals(20, silent.topK());
        assertEquals(0f, silent.minP());
        assertEquals(1.05f, silent.repetitionPenalty());
    }

    @Test
    void nullIsTheSameAsAbsent() {
        ChatRequest request =
                chat("\"temperature\":null,\"stop\":null,\"n\":null,\"tools\":null,\"seed\":null");
        assertEquals(SamplingChoice.NONE, request.options().sampling().choice());
        assertEquals(1, request.options().n());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"stream\":false",
                "\"tools\":[]",
                "\"tool_choice\":\"none\"",
                "\"response_format\":{\"type\":\"text\"}",
                "\"best_of\":1",
                "\"n\":3,\"best_of\":3",
                "\"store\":false",
                "\"use_beam_search\":false",
                "\"priority\":0",
                "\"modalities\":[\"text\"]",
                "\"logit_bias\":{}",
                "\"user\":\"x\"",
                "\"service_tier\":\"auto\""
            })
    void explicitHarmlessDefaultsAreTolerated(String extra) {
        assertNotNull(chat(extra));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "guided_grammar | \"root ::= a\"",
                "guided_decoding_backend | \"x\"",
                "functions | [{\"name\":\"f\"}]",
                "function_call | {\"name\":\"f\"}",
                "kv_transfer_params | {}",
                "modalities | [\"audio\"]",
                "use_beam_search | true",
                "truncate_prompt_tokens | 5",
                "allowed_token_ids | [1]",
                "bad_words | [\"x\"]",
                "prompt_logprobs | 1",
                "chat_template | \"{{ 1 }}\"",
                "store | true",
                "echo | true",
            })
    void whatIsKnownAndNotSupportedIsRefusedByName(String field, String value) {
        BatonException e =
                assertThrows(BatonException.class, () -> chat("\"%s\":%s".formatted(field, value)));
        assertEquals(ErrorCode.UNSUPPORTED_PARAMETER, e.code());
        assertEquals(field, e.param());
    }

    @Test
    void unknownFieldsAreRefusedByName() {
        BatonException e = assertThrows(BatonException.class, () -> chat("\"temprature\":1"));
        assertEquals(ErrorCode.UNKNOWN_PARAMETER, e.code());
        assertEquals("temprature", e.param());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "temperature | -0.1",
                "temperature | 2.5",
                "temperature | \"1\"",
                "temperature | true",
                "temperature | 1e300",
                "top_p | 0",
                "top_p | 1.01",
                "frequency_penalty | 3",
                "presence_penalty | -2.1",
                "repetition_penalty | 0",
                "n | 0",
                "n | -1",
                "n | 2147483648",
                "n | 1000000000",
                "n | 17",
                "n | 1.5",
                "best_of | 2",
                "top_logprobs | 1000000",
                "top_logprobs | 2",
                "seed | 9223372036854775808",
                "seed | 1.5",
                "max_tokens | 0",
                "max_tokens | -1",
                "max_tokens | 1000000000000000000",
                "max_tokens | 1e3",
                "min_tokens | -1",
                "top_k | -2",
                "min_p | 2",
                "stop | 5",
                "stop | [\"\"]",
                "stop | [1]",
                "logit_bias | {\"x\":1}",
                "logit_bias | {\"1\":101}",
                "logit_bias | {\"-1\":1}",
                "logit_bias | {\"1\":1,\"01\":1}",
                "logit_bias | []",
                "stop_token_ids | [-1]",
                "stop_token_ids | 5",
                "stream | 1",
                "stream_options | {\"include_usage\":true}",
                "request_id | \"a/../b\"",
                "request_id | \"a\\r\\nb\"",
                "cache_salt | \"\"",
                "cache_salt | 1",
                "priority | 1.5",
                "priority | 2147483648",
                "priority | \"high\"",
                "deadline_ms | 0",
                "deadline_ms | 86400001",
                "speculative | 1",
                "model | \"\"",
                "model | 5",
                "chat_template_kwargs | []",
                "continue_final_message | true"
            })
    void badValuesNameTheFieldAndTheRange(String field, String value) {
        BatonException e =
                assertThrows(BatonException.class, () -> chat("\"%s\":%s".formatted(field, value)));
        assertEquals(ErrorCode.INVALID_VALUE, e.code(), e.text());
        assertEquals(field, e.param(), e.text());
        assertTrue(e.text().length() > field.length() + 5);
    }

    @Test
    void hugeListsAreRefused() {
        String stops = "\"stop\":[" + "\"a\",".repeat(16) + "\"a\"]";
        assertEquals("stop", assertThrows(BatonException.class, () -> chat(stops)).param());
        StringBuilder biases = new StringBuilder("\"logit_bias\":{\"0\":1");
        IntStream.range(1, 2000).forEach(i -> biases.append(",\"").append(i).append("\":1"));
        String many = biases.append('}').toString();
        assertEquals("logit_bias", assertThrows(BatonException.class, () -> chat(many)).param());
        String message = "{\"role\":\"user\",\"content\":\"a\"},";
        String messages =
                "{\"messages\":[" + message.repeat(100_000) + message.replace("},", "}]}");
        assertEquals("messages", refused(bytes(messages)).param());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "1",
                "\"x\"",
                "null",
                "{} {}",
                "{}x",
                "{\"a\":1,\"a\":2}",
                "{/* c */}",
                "{'a':1}",
                "{\"temperature\":NaN}",
                "{\"temperature\":Infinity}",
                "{\"temperature\":1e999}",
                "{\"user\":\"\\ud800\"}",
                "{\"user\":\"\\udc00\\ud800\"}",
                "{\"user\":\"a\nb\"}",
                "{\"temperature\":01}",
                "{\"temperature\":+1}",
                "{\"a\":1,}"
            })
    void malformedJsonIsRefused(String body) {
        assertEquals(ErrorCode.INVALID_REQUEST, refused(bytes(body)).code(), body);
    }

    @Test
    void limitsOfJsonHold() {
        String deep = "{\"metadata\":" + "[".repeat(100) + "]".repeat(100) + "}";
        assertEquals(ErrorCode.INVALID_REQUEST, refused(bytes(deep)).code());
        String digits = "{\"temperature\":" + "1".repeat(100_000) + "}";
        BatonException e = refused(bytes(digits));
        assertEquals(ErrorCode.INVALID_REQUEST, e.code());
        assertTrue(e.text().length() < 400, e.text());
    }

    @Test
    void otherEncodingsAreRefused() {
        String body = "{" + MESSAGES + "}";
        byte[] utf8 = bytes(body);
        byte[] marked = new byte[utf8.length + 3];
        marked[0] = (byte) 0xef;
        marked[1] = (byte) 0xbb;
        marked[2] = (byte) 0xbf;
        System.arraycopy(utf8, 0, marked, 3, utf8.length);
        assertEquals(ErrorCode.INVALID_REQUEST, refused(marked).code());
        assertEquals(
                ErrorCode.INVALID_REQUEST, refused(body.getBytes(StandardCharsets.UTF_16)).code());
        assertEquals(
                ErrorCode.INVALID_REQUEST,
                refused(body.getBytes(StandardCharsets.UTF_16LE)).code());
        byte[] broken = bytes(body);
        broken[body.indexOf("hi")] = (byte) 0xc0;
        broken[body.indexOf("hi") + 1] = (byte) 0x80;
        assertEquals(ErrorCode.INVALID_REQUEST, refused(broken).code());
        byte[] nul = bytes(body);
        nul[body.indexOf("hi")] = 0;
        assertEquals(ErrorCode.INVALID_REQUEST, refused(nul).code());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"role\":\"robot\",\"content\":\"a\"} | messages[0].role | invalid_value",
                "{\"role\":{},\"content\":\"a\"} | messages[0].role | invalid_value",
                "{\"role\":\"tool\",\"content\":\"a\"} | messages[0].tool_call_id | invalid_value",
                "{\"role\":\"user\"} | messages[0].content | invalid_value",
                "{\"role\":\"user\",\"content\":5} | messages[0].content | invalid_value",
                "{\"role\":\"user\",\"content\":[]} | messages[0].content | invalid_value",
                "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://169.254.169.254/\"}}]} | messages[0].content[0].type | unsupported_parameter",
                "{\"role\":\"user\",\"content\":[{\"type\":\"file\"}]} | messages[0].content[0].type | unsupported_parameter",
                "{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]} | messages[0].content[0].text | invalid_value",
                "{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{}]} | messages[0].tool_calls[0].function | invalid_value",
                "{\"role\":\"user\",\"content\":\"a\",\"x\":1} | messages[0].x | unknown_parameter",
                "5 | messages[0] | invalid_value"
            })
    void badMessagesNameTheirPlace(String message, String param, String code) {
        BatonException e = refused(bytes("{\"messages\":[" + message + "]}"));
        assertEquals(param, e.param());
        assertEquals(code, e.code().code());
    }

    @Test
    void partsAreJoinedAndDeveloperIsSystem() {
        ChatRequest request =
                RequestParser.chat(
                        bytes(
                                """
                                {"messages":[{"role":"developer","content":"d"},
                                {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                                {"role":"assistant","content":"c","refusal":null,"tool_calls":null,"annotations":[]}]}
                                """));
        assertEquals(
                List.of(
                        new ChatMessage("system", "d", null),
                        new ChatMessage("user", "a\nb", null),
                        new ChatMessage("assistant", "c", null)),
                request.messages());
        assertFalse(request.options().streaming().stream());
        assertNull(request.options().model());
    }

    @Test
    void templatesInRequestsAreRefused() {
        for (String name : List.of("chat_template", "tokenize")) {
            BatonException e =
                    assertThrows(
                            BatonException.class,
                            () -> chat("\"chat_template_kwargs\":{\"%s\":\"x\"}".formatted(name)));
            assertEquals("chat_template_kwargs." + name, e.param());
        }
    }

    @Test
    void promptsComeInFourForms() {
        assertEquals(List.of(new Prompt.Text("hi")), completion("\"max_tokens\":1").prompts());
        CompletionRequest ids = RequestParser.completion(bytes("{\"prompt\":[1,2,3]}"));
        assertArrayEquals(
                new int[] {1, 2, 3},
                assertInstanceOf(Prompt.Tokens.class, ids.prompts().getFirst()).ids());
        assertEquals(
                2, RequestParser.completion(bytes("{\"prompt\":[\"a\",\"b\"]}")).prompts().size());
        assertEquals(
                2, RequestParser.completion(bytes("{\"prompt\":[[1],[2,3]]}")).prompts().size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "[[]]",
                "[1,\"a\"]",
                "[\"a\",1]",
                "[[1],\"a\"]",
                "[-1]",
                "[[1.5]]",
                "[2147483648]",
                "5",
                "{}",
                "[[[1]]]",
                "[null]"
            })
    void badPromptsAreRefused(String prompt) {
        BatonException e =
                assertThrows(
                        BatonException.class,
                        () -> RequestParser.completion(bytes("{\"prompt\":" + prompt + "}")));
        assertEquals(ErrorCode.INVALID_VALUE, e.code());
        assertEquals("prompt", e.param());
    }

    @Test
    void manyPromptsTimesManyChoicesAreBounded() {
        String prompts = "{\"n\":16,\"prompt\":[" + "\"a\",".repeat(15) + "\"a\"]}";
        BatonException e =
                assertThrows(BatonException.class, () -> RequestParser.completion(bytes(prompts)));
        assertEquals("n", e.param());
    }

    @Test
    void echoGoesWithLogprobsAndSuffixIsRefused() {
        assertTrue(completion("\"echo\":true,\"logprobs\":1").echo());
        assertEquals(
                "suffix",
                assertThrows(BatonException.class, () -> completion("\"suffix\":\"x\"")).param());
        assertTrue(completion("\"echo\":true,\"suffix\":null").echo());
    }

    @Test
    void vocabularyIsCheckedWhenTheModelIsKnown() {
        SamplingOptions bias = chat("\"logit_bias\":{\"100\":1}").options().sampling();
        bias.requireVocabulary(101);
        assertEquals(
                "logit_bias",
                assertThrows(BatonException.class, () -> bias.requireVocabulary(100)).param());
        SamplingOptions stop = chat("\"stop_token_ids\":[100]").options().sampling();
        assertEquals(
                "stop_token_ids",
                assertThrows(BatonException.class, () -> stop.requireVocabulary(100)).param());
    }

    @Test
    void tokenizeTakesBothSpellings() {
        assertEquals("a", TextRequests.tokenize(bytes("{\"prompt\":\"a\"}")).text());
        assertTrue(
                TextRequests.tokenize(bytes("{\"content\":\"a\",\"with_pieces\":true}")).strings());
        assertFalse(TextRequests.tokenize(bytes("{" + MESSAGES + "}")).addSpecialTokens());
        assertThrows(BatonException.class, () -> TextRequests.tokenize(bytes("{}")));
        assertArrayEquals(
                new int[] {1, 2}, TextRequests.detokenize(bytes("{\"tokens\":[1,2]}")).tokens());
        assertThrows(
                BatonException.class, () -> TextRequests.detokenize(bytes("{\"tokens\":[-1]}")));
    }
}

package io.baton.common.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.Answer.Head;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AnswerJsonTest {
    private static final Head HEAD = new Head("chatcmpl-1", 5, "m", "fp_1");
    private static final End STOP = new End(FinishReason.STOP, "END", null);

    private static JsonNode parse(byte[] json) {
        return new JsonMapper().readTree(new String(json, StandardCharsets.UTF_8));
    }

    @Test
    void chatChunksOpenWithTheRoleAndEndWithoutContent() {
        AnswerJson json = AnswerJson.of(Endpoint.CHAT, HEAD);
        JsonNode open = parse(json.open(1, null).orElseThrow());
        assertEquals("assistant", open.at("/choices/0/delta/role").stringValue());
        assertEquals(1, open.at("/choices/0/index").intValue());
        assertTrue(open.at("/choices/0/finish_reason").isNull());
        assertFalse(open.has("usage"));
        JsonNode delta = parse(json.delta(new Delta(0, "é\u0001", null), new Usage(3, 1, 2)));
        assertEquals("é\u0001", delta.at("/choices/0/delta/content").stringValue());
        assertEquals(2, delta.at("/usage/prompt_tokens_details/cached_tokens").intValue());
        JsonNode finish = parse(json.finish(0, STOP, null));
        assertEquals("stop", finish.at("/choices/0/finish_reason").stringValue());
        assertEquals("END", finish.at("/choices/0/stop_reason").stringValue());
        assertFalse(finish.at("/choices/0/delta").has("content"));
        JsonNode usage = parse(json.usage(new Usage(3, 4, 0)));
        assertTrue(usage.at("/choices").isEmpty());
        assertEquals(7, usage.at("/usage/total_tokens").intValue());
        for (JsonNode chunk : List.of(open, delta, finish, usage)) {
            assertEquals("chatcmpl-1", chunk.at("/id").stringValue());
            assertEquals("chat.completion.chunk", chunk.at("/object").stringValue());
            assertEquals("m", chunk.at("/model").stringValue());
        }
    }

    @Test
    void logprobsInBothStyles() {
        TokenLogprob token =
                new TokenLogprob(
                        "a",
                        new byte[] {97},
                        Float.NEGATIVE_INFINITY,
                        4,
                        List.of(new TokenLogprob.Alternative("b", new byte[] {(byte) 0xff}, -1f)));
        Choice choice = new Choice(0, "a", List.of(token), STOP);
        JsonNode chat =
                parse(
                        AnswerJson.of(Endpoint.CHAT, HEAD)
                                .whole(List.of(choice), new Usage(1, 1, 0)));
        JsonNode entry = chat.at("/choices/0/logprobs/content/0");
        assertEquals(-9999, entry.get("logprob").doubleValue());
        assertEquals(97, entry.at("/bytes/0").intValue());
        assertEquals(255, entry.at("/top_logprobs/0/bytes/0").intValue());
        assertEquals("assistant", chat.at("/choices/0/message/role").stringValue());
        JsonNode text =
                parse(
                        AnswerJson.of(Endpoint.COMPLETIONS, HEAD)
                                .whole(List.of(choice), new Usage(1, 1, 0)));
        assertEquals("a", text.at("/choices/0/text").stringValue());
        assertEquals("a", text.at("/choices/0/logprobs/tokens/0").stringValue());
        assertEquals(-1, text.at("/choices/0/logprobs/top_logprobs/0/b").doubleValue());
        assertEquals(4, text.at("/choices/0/logprobs/text_offset/0").intValue());
        assertEquals(-9999, text.at("/choices/0/logprobs/top_logprobs/0/a").doubleValue());
    }

    @Test
    void theFirstTokenOfAnEchoedPromptHasNoProbability() {
        TokenLogprob first = new TokenLogprob("a", new byte[] {97}, null, 0, List.of());
        Choice choice = new Choice(0, "a", List.of(first), STOP);
        JsonNode text =
                parse(
                        AnswerJson.of(Endpoint.COMPLETIONS, HEAD)
                                .whole(List.of(choice), new Usage(1, 1, 0)));
        assertEquals("a", text.at("/choices/0/logprobs/tokens/0").stringValue());
        assertTrue(text.at("/choices/0/logprobs/token_logprobs/0").isNull());
        assertTrue(text.at("/choices/0/logprobs/top_logprobs/0").isNull());
        assertEquals(0, text.at("/choices/0/logprobs/text_offset/0").intValue());
    }

    @Test
    void errorsHaveAllFourFields() {
        JsonNode error =
                parse(OpenAiJson.error(new BatonException(ErrorCode.INVALID_VALUE, "no", "n")));
        assertEquals("no", error.at("/error/message").stringValue());
        assertEquals("invalid_request_error", error.at("/error/type").stringValue());
        assertEquals("n", error.at("/error/param").stringValue());
        assertEquals("invalid_value", error.at("/error/code").stringValue());
        JsonNode bare = parse(OpenAiJson.error(new BatonException(ErrorCode.NO_WORKER, "x")));
        assertTrue(bare.at("/error/param").isNull());
    }
}

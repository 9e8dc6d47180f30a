package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.OpenAiJson;
import io.baton.common.openai.TextRequests;
import io.baton.common.openai.TextRequests.Detokenize;
import io.baton.common.openai.TextRequests.Tokenize;
import io.baton.common.text.PromptText;
import io.baton.common.text.TokenDecoder;
import io.baton.common.text.Tokenizer;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.registry.ServedText;
import java.util.Arrays;
import java.util.List;

/** {@code /tokenize} and {@code /detokenize}. Runs on virtual threads. */
final class TextEndpoint {
    private final Registry registry;

    TextEndpoint(Registry registry) {
        this.registry = registry;
    }

    byte[] tokenize(byte[] body) {
        Tokenize request = TextRequests.tokenize(body);
        PoolView pool = registry.pool(request.model());
        ServedText text = Planner.text(pool);
        String given = request.text();
        PromptText prompt =
                given == null
                        ? Planner.chat(text).render(request.messages(), request.template())
                        : PromptText.untrusted(given);
        Tokenizer tokenizer = text.tokenizer();
        int[] tokens = tokenizer.encode(prompt, request.addSpecialTokens());
        List<String> names =
                request.strings() ? Arrays.stream(tokens).mapToObj(tokenizer::name).toList() : null;
        return OpenAiJson.tokenized(tokens, pool.maxModelLen(), names);
    }

    byte[] detokenize(byte[] body) {
        Detokenize request = TextRequests.detokenize(body);
        PoolView pool = registry.pool(request.model());
        Tokenizer tokenizer = Planner.text(pool).tokenizer();
        for (int id : request.tokens()) {
            if (id >= tokenizer.vocabSize()) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "'tokens' names token %d, the vocabulary has 0 to %d"
                                .formatted(id, tokenizer.vocabSize() - 1),
                        "tokens");
            }
        }
        return OpenAiJson.detokenized(TokenDecoder.decode(tokenizer, request.tokens(), false));
    }
}

package io.baton.router.http;

import io.baton.common.openai.TokenLogprob;
import io.baton.common.proto.Token;
import io.baton.common.proto.TopLogprob;
import io.baton.common.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Tokens' log probabilities as answers show them. */
final class TokenLogprobs {
    private TokenLogprobs() {}

    /**
     * @param alternatives how many beside the chosen one
     * @param textOffset characters of visible text before the token
     */
    static TokenLogprob of(Tokenizer tokenizer, Token token, int alternatives, int textOffset) {
        List<TokenLogprob.Alternative> top = new ArrayList<>();
        for (TopLogprob entry : token.getTopList()) {
            if (top.size() >= alternatives) {
                break;
            }
            byte[] bytes = tokenizer.bytes(entry.getId());
            top.add(new TokenLogprob.Alternative(text(bytes), bytes, entry.getLogprob()));
        }
        byte[] bytes = tokenizer.bytes(token.getId());
        return new TokenLogprob(text(bytes), bytes, token.getLogprob(), textOffset, top);
    }

    /** The first token of a prompt, which has no probability. */
    static TokenLogprob first(Tokenizer tokenizer, int token) {
        byte[] bytes = tokenizer.bytes(token);
        return new TokenLogprob(text(bytes), bytes, null, 0, List.of());
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}

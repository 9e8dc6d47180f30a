package io.baton.router.http;

import io.baton.common.openai.TokenLogprob;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.text.TokenDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The log probabilities of one choice's echoed prompt, gathered as they come. An attempt that takes
 * over from a lost one says them again from the start; they are the same. One thread at a time.
 */
final class EchoedTokens {
    private final AnswerPlan plan;
    private final int choice;
    private final TreeMap<Integer, Token> tokens = new TreeMap<>();

    EchoedTokens(AnswerPlan plan, int choice) {
        this.plan = plan;
        this.choice = choice;
    }

    void add(PromptTokens more) {
        more.getTokensList().forEach(token -> tokens.put(token.getIndex(), token));
    }

    /** All tokens of the prompt; the first, before which there is nothing, has no probability. */
    List<TokenLogprob> logprobs() {
        int[] prompt = plan.job().answers().get(choice).prompt();
        if (tokens.size() != prompt.length - 1) {
            throw new IllegalStateException(
                    "%d of %d tokens of the prompt came"
                            .formatted(tokens.size(), prompt.length - 1));
        }
        TokenDecoder text =
                TokenDecoder.fromStart(plan.tokenizer(), !plan.echoes().get(choice).showsControl());
        List<TokenLogprob> logprobs = new ArrayList<>(prompt.length);
        int offset = 0;
        for (int i = 0; i < prompt.length; i++) {
            Token token = tokens.get(i);
            logprobs.add(
                    token == null
                            ? TokenLogprobs.first(plan.tokenizer(), prompt[i])
                            : TokenLogprobs.of(plan.tokenizer(), token, plan.logprobs(), offset));
            offset += text.push(prompt[i]).length();
        }
        return logprobs;
    }
}

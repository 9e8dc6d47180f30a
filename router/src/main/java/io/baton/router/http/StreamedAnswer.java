package io.baton.router.http;

import io.baton.common.openai.Answer.Delta;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.TokenLogprob;
import io.baton.common.openai.Usage;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.router.dispatch.SequenceSink;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Writes an answer as it comes. Nothing is written before the first token, so that what fails early
 * still gets an HTTP status. The choices' threads take turns.
 */
final class StreamedAnswer implements SequenceSink {
    private final AnswerPlan plan;
    private final SseStream stream;
    private final ReentrantLock turn = new ReentrantLock();
    private final boolean[] opened;
    private final int[] characters;
    private final List<EchoedTokens> prompts = new ArrayList<>();
    private final List<Pieces> pieces = new ArrayList<>();
    private int completionTokens;

    StreamedAnswer(AnswerPlan plan, SseStream stream) {
        this.plan = plan;
        this.stream = stream;
        this.opened = new boolean[plan.choices()];
        this.characters = new int[plan.choices()];
        for (int choice = 0; choice < plan.choices(); choice++) {
            prompts.add(new EchoedTokens(plan, choice));
            pieces.add(new Pieces(plan.tools(), choice));
        }
    }

    @Override
    public void prompt(int choice, PromptTokens tokens) {
        turn.lock();
        try {
            prompts.get(choice).add(tokens);
        } finally {
            turn.unlock();
        }
    }

    @Override
    public void token(int choice, Token token) {
        turn.lock();
        try {
            completionTokens++;
            open(choice);
            @Nullable List<TokenLogprob> logprobs = null;
            if (plan.logprobs() >= 0) {
                logprobs =
                        List.of(
                                TokenLogprobs.of(
                                        plan.tokenizer(),
                                        token,
                                        plan.logprobs(),
                                        characters[choice]));
            }
            characters[choice] += token.getText().length();
            write(choice, pieces.get(choice).push(token.getText()), logprobs);
        } finally {
            turn.unlock();
        }
    }

    @Override
    public void finished(int choice, Finished finished) {
        turn.lock();
        try {
            open(choice);
            Pieces choicePieces = pieces.get(choice);
            write(choice, choicePieces.finish(finished.getText()), null);
            End end = choicePieces.end(Ends.end(finished));
            stream.event(plan.json().finish(choice, end, soFar()));
        } finally {
            turn.unlock();
        }
    }

    private void write(int choice, Pieces.Piece piece, @Nullable List<TokenLogprob> logprobs) {
        if (!piece.isEmpty() || logprobs != null) {
            stream.event(
                    plan.json()
                            .delta(
                                    new Delta(choice, piece.text(), piece.calls(), logprobs),
                                    soFar()));
        }
    }

    private void open(int choice) {
        if (opened[choice]) {
            return;
        }
        opened[choice] = true;
        plan.json().open(choice, soFar()).ifPresent(stream::event);
        String echo = plan.echoes().get(choice).text();
        if (!echo.isEmpty()) {
            characters[choice] += echo.length();
            @Nullable List<TokenLogprob> logprobs =
                    plan.scoresPrompt(choice) ? prompts.get(choice).logprobs() : null;
            stream.event(plan.json().delta(new Delta(choice, echo, logprobs), soFar()));
        }
    }

    private @Nullable Usage soFar() {
        return plan.options().streaming().continuousUsage()
                ? plan.usage(completionTokens, 0)
                : null;
    }
}

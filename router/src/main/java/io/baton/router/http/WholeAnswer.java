package io.baton.router.http;

import io.baton.common.openai.Answer.Choice;
import io.baton.common.openai.Answer.End;
import io.baton.common.openai.ChatMessage;
import io.baton.common.openai.TokenLogprob;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.tools.ToolEvent;
import io.baton.router.dispatch.SequenceSink;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gathers an answer that is sent as a whole. Each choice is written by its own thread; the whole is
 * read when all have ended.
 */
final class WholeAnswer implements SequenceSink {
    private final AnswerPlan plan;
    private final List<Part> parts = new ArrayList<>();

    private static final class Part {
        final StringBuilder text = new StringBuilder();
        final List<TokenLogprob> logprobs = new ArrayList<>();
        final List<Called> calls = new ArrayList<>();
        final EchoedTokens echo;
        final Pieces pieces;
        int characters;
        @Nullable End end;

        Part(EchoedTokens echo, Pieces pieces) {
            this.echo = echo;
            this.pieces = pieces;
        }

        void add(Pieces.Piece piece) {
            text.append(piece.text());
            for (ToolEvent event : piece.calls()) {
                switch (event) {
                    case ToolEvent.Text(String more) -> text.append(more);
                    case ToolEvent.Start(int _, String id, String name) ->
                            calls.add(new Called(id, name, new StringBuilder()));
                    case ToolEvent.Arguments(int index, String delta) ->
                            calls.get(index).arguments().append(delta);
                }
            }
        }
    }

    /** A call whose arguments are still coming. */
    private record Called(String id, String name, StringBuilder arguments) {
        ChatMessage.Call whole() {
            return new ChatMessage.Call(id, name, arguments.toString());
        }
    }

    WholeAnswer(AnswerPlan plan) {
        this.plan = plan;
        for (int choice = 0; choice < plan.choices(); choice++) {
            Part part = new Part(new EchoedTokens(plan, choice), new Pieces(plan.tools(), choice));
            part.text.append(plan.echoes().get(choice).text());
            part.characters = part.text.length();
            parts.add(part);
        }
    }

    @Override
    public void prompt(int choice, PromptTokens tokens) {
        parts.get(choice).echo.add(tokens);
    }

    @Override
    public void token(int choice, Token token) {
        Part part = parts.get(choice);
        if (plan.logprobs() >= 0) {
            part.logprobs.add(
                    TokenLogprobs.of(plan.tokenizer(), token, plan.logprobs(), part.characters));
        }
        part.characters += token.getText().length();
        part.add(part.pieces.push(token.getText()));
    }

    @Override
    public void finished(int choice, Finished finished) {
        Part part = parts.get(choice);
        part.add(part.pieces.finish(finished.getText()));
        part.end = part.pieces.end(Ends.end(finished));
    }

    /** All choices; after all have ended. */
    List<Choice> choices() {
        List<Choice> choices = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            End end = part.end;
            if (end == null) {
                throw new IllegalStateException("choice %d has not ended".formatted(i));
            }
            choices.add(
                    new Choice(
                            i,
                            part.text.toString(),
                            part.calls.stream().map(Called::whole).toList(),
                            plan.logprobs() >= 0 ? logprobs(i, part) : null,
                            end));
        }
        return choices;
    }

    private List<TokenLogprob> logprobs(int choice, Part part) {
        List<TokenLogprob> all = new ArrayList<>();
        if (plan.scoresPrompt(choice)) {
            all.addAll(part.echo.logprobs());
        }
        all.addAll(part.logprobs);
        return all;
    }
}

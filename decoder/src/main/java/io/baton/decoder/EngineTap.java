package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ProtoSampling;
import io.baton.common.worker.TokenText;
import io.baton.engine.SequenceListener;
import java.util.List;

/**
 * What the engine tells of one sequence, turned into text on the engine's thread (a stop text must
 * end the sequence before its next step) and posted to the attempt.
 */
final class EngineTap implements SequenceListener {
    private final DecodeAttempt attempt;
    private final GenerationRequest request;
    private final TokenText text;
    private int tokens;
    private int lastToken = -1;

    EngineTap(DecodeAttempt attempt) {
        this.attempt = attempt;
        this.request = attempt.request();
        this.tokens = request.emitted().length;
        this.text =
                new TokenText(
                        attempt.ports().machines().tokenizer(),
                        request.sampling(),
                        request.emitted());
    }

    @Override
    public void onStarted() {
        long now = attempt.ports().now();
        attempt.mailbox().execute(() -> attempt.prefillStarted(now));
    }

    @Override
    public void onPromptTokens(List<TokenOutput> prompt) {
        PromptTokens.Builder proto = PromptTokens.newBuilder();
        for (TokenOutput token : prompt) {
            proto.addTokens(ProtoSampling.toProto(token, ""));
        }
        attempt.mailbox().execute(() -> attempt.promptTokens(proto.build()));
    }

    @Override
    public boolean onToken(TokenOutput token) {
        long now = attempt.ports().now();
        tokens++;
        lastToken = token.token();
        Token proto = ProtoSampling.toProto(token, text.accept(token.token()));
        attempt.mailbox().execute(() -> attempt.token(proto, now));
        return !text.isStopped();
    }

    @Override
    public void onFinished(FinishReason reason) {
        long now = attempt.ports().now();
        Finished.Builder finished =
                Finished.newBuilder()
                        .setReason(reason.wire())
                        .setText(text.finish())
                        .setStopText(text.stopText())
                        .setCompletionTokens(tokens);
        // Only a token that the request named is reported; the model's own end is no stop reason.
        if (reason == FinishReason.STOP
                && !text.isStopped()
                && request.sampling().stopTokenIds().contains(lastToken)) {
            finished.setHasStopToken(true).setStopToken(lastToken);
        }
        attempt.mailbox().execute(() -> attempt.finished(finished, now));
    }

    @Override
    public void onError(BatonException error) {
        attempt.mailbox().execute(() -> attempt.fail(error));
    }
}

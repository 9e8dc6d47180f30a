package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Writes down what a sequence's listener hears, and lets a test wait for it. */
class Recorder implements SequenceListener {
    private static final long WAIT_SECONDS = 60;

    /** What was heard by the end. */
    record Outcome(
            List<TokenOutput> tokens,
            @Nullable FinishReason reason,
            @Nullable BatonException error) {
        List<Integer> ids() {
            return tokens.stream().map(TokenOutput::token).toList();
        }

        List<@Nullable String> logits() {
            List<@Nullable String> all = new ArrayList<>();
            tokens.forEach(token -> all.add(token.logitsSha256()));
            return all;
        }
    }

    /** One call of onLayer. */
    record LayerCall(int layer, int from, int to) {}

    private final List<TokenOutput> tokens = new ArrayList<>();
    private final List<LayerCall> layers = new ArrayList<>();
    private final CountDownLatch started = new CountDownLatch(1);
    private final CountDownLatch firstToken = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private @Nullable FinishReason reason;
    private @Nullable BatonException error;

    @Override
    public synchronized void onStarted() {
        started.countDown();
    }

    @Override
    public synchronized void onLayer(int layer, int fromToken, int toToken) {
        layers.add(new LayerCall(layer, fromToken, toToken));
    }

    @Override
    public synchronized boolean onToken(TokenOutput token) {
        refuseAfterEnd();
        tokens.add(token);
        firstToken.countDown();
        return true;
    }

    @Override
    public synchronized void onFinished(FinishReason why) {
        refuseAfterEnd();
        reason = why;
        ended.countDown();
    }

    @Override
    public synchronized void onError(BatonException what) {
        refuseAfterEnd();
        error = what;
        firstToken.countDown();
        ended.countDown();
    }

    private void refuseAfterEnd() {
        if (ended.getCount() == 0) {
            throw new AssertionError("something follows the end");
        }
    }

    Outcome await() throws InterruptedException {
        await(ended, "the end");
        return now();
    }

    TokenOutput awaitToken() throws InterruptedException {
        await(firstToken, "a token");
        Outcome outcome = now();
        if (outcome.tokens().isEmpty()) {
            throw new AssertionError("failed before its first token", outcome.error());
        }
        return outcome.tokens().getFirst();
    }

    void awaitStart() throws InterruptedException {
        await(started, "the start");
    }

    private void await(CountDownLatch latch, String what) throws InterruptedException {
        if (!latch.await(WAIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("waited too long for " + what + ": " + now());
        }
    }

    synchronized Outcome now() {
        return new Outcome(List.copyOf(tokens), reason, error);
    }

    synchronized List<LayerCall> layers() {
        return List.copyOf(layers);
    }
}

package io.baton.router.dispatch;

import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.proto.Finished;
import io.baton.common.proto.Token;
import io.baton.common.text.TextStream;
import io.baton.common.text.Tokenizer;
import io.baton.common.worker.TokenText;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The tokens given to the client so far: what a new worker is forced to repeat. Confined to the
 * sequence's thread.
 */
final class Emitted {
    /** What became of an offered token. */
    enum Result {
        /** The next one: it is now emitted. */
        NEW,
        /** Emitted before. */
        SEEN,
        /** Another one was emitted at its index. */
        DIFFERS,
        /** One before it is missing. */
        GAP
    }

    private final Tokenizer tokenizer;
    private final List<Integer> ids = new ArrayList<>();
    private int visibleCharacters;

    Emitted(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    int count() {
        return ids.size();
    }

    List<Integer> ids() {
        return Collections.unmodifiableList(ids);
    }

    Result offer(Token token) {
        int index = token.getIndex();
        if (index > ids.size() || index < 0) {
            return Result.GAP;
        }
        if (index < ids.size()) {
            return ids.get(index) == token.getId() ? Result.SEEN : Result.DIFFERS;
        }
        ids.add(token.getId());
        visibleCharacters += token.getText().length();
        return Result.NEW;
    }

    /**
     * The end, if the emitted tokens are already a complete answer and only the word for it was
     * lost with the worker.
     */
    Optional<Finished> endReached(SamplingParams sampling) {
        if (ids.isEmpty()) {
            return Optional.empty();
        }
        int last = ids.getLast();
        // A constraint that left nothing else has ended the answer before its minimum length.
        boolean mayStop = ids.size() > sampling.minTokens() || sampling.constraint() != null;
        boolean stopToken = sampling.stopTokenIds().contains(last);
        boolean endToken = !sampling.ignoreEos() && tokenizer.isEndOfGeneration(last);
        if (mayStop && (stopToken || endToken)) {
            Finished.Builder end = end(FinishReason.STOP, replay(sampling));
            return Optional.of(
                    stopToken ? end.setStopToken(last).setHasStopToken(true).build() : end.build());
        }
        if (ids.size() < sampling.maxTokens() && sampling.stop().isEmpty()) {
            return Optional.empty();
        }
        Replay replay = replay(sampling);
        if (replay.stopText() != null) {
            return Optional.of(
                    end(FinishReason.STOP, replay).setStopText(replay.stopText()).build());
        }
        return ids.size() >= sampling.maxTokens()
                ? Optional.of(end(FinishReason.LENGTH, replay).build())
                : Optional.empty();
    }

    private Finished.Builder end(FinishReason reason, Replay replay) {
        String all = replay.text();
        // What the lost worker had held back, as it could have become a stop text.
        String withheld = all.length() > visibleCharacters ? all.substring(visibleCharacters) : "";
        return Finished.newBuilder()
                .setReason(reason.wire())
                .setText(withheld)
                .setCompletionTokens(ids.size());
    }

    private record Replay(String text, @Nullable String stopText) {}

    private Replay replay(SamplingParams sampling) {
        TextStream stream = TokenText.stream(tokenizer, sampling);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            boolean ends =
                    sampling.stopTokenIds().contains(id)
                            || (!sampling.ignoreEos() && tokenizer.isEndOfGeneration(id));
            if (stream.stopText() != null) {
                break;
            }
            if (!ends || sampling.includeStop()) {
                text.append(stream.push(id).delta());
            }
        }
        text.append(stream.finish());
        return new Replay(text.toString(), stream.stopText());
    }
}

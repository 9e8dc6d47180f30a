package io.baton.common.worker;

import io.baton.common.generation.SamplingParams;
import io.baton.common.text.TextStream;
import io.baton.common.text.Tokenizer;

/**
 * What each token of an answer adds to its visible text. A pure function of (request, tokens):
 * tokens emitted on earlier attempts are pushed first, so that a decoder that takes over writes
 * exactly what the first one would have written. Owned by one thread.
 */
public final class TokenText {
    private final Tokenizer tokenizer;
    private final SamplingParams sampling;
    private final TextStream stream;
    private boolean stopped;

    /**
     * @param emitted tokens whose text the client has already
     */
    public TokenText(Tokenizer tokenizer, SamplingParams sampling, int[] emitted) {
        this.tokenizer = tokenizer;
        this.sampling = sampling;
        this.stream = stream(tokenizer, sampling);
        for (int token : emitted) {
            accept(token);
        }
    }

    /** The text of an answer as its parameters ask for it, before the first token. */
    public static TextStream stream(Tokenizer tokenizer, SamplingParams sampling) {
        return new TextStream(
                tokenizer,
                new TextStream.Stops(sampling.stop(), sampling.includeStop(), sampling.minTokens()),
                sampling::hidesControl);
    }

    /**
     * The text that {@code token} adds; empty while a character or a possible stop text is
     * incomplete, and for a token that ends the answer (unless stops are included).
     */
    public String accept(int token) {
        if (stopped || endsAnswer(token) && !sampling.includeStop()) {
            return "";
        }
        TextStream.Step step = stream.push(token);
        stopped = step.stopped();
        return step.delta();
    }

    /** Whether a stop text has ended the answer. */
    public boolean isStopped() {
        return stopped;
    }

    /** The stop text that ended the answer; empty if none did. */
    public String stopText() {
        String text = stream.stopText();
        return text == null ? "" : text;
    }

    /** Ends the text: what was held back. */
    public String finish() {
        return stream.finish();
    }

    private boolean endsAnswer(int token) {
        return sampling.stopTokenIds().contains(token)
                || (!sampling.ignoreEos() && tokenizer.isEndOfGeneration(token));
    }
}

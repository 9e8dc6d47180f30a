package io.baton.common.testkit;

import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** A tokenizer whose token ids are ASCII codes; token 0 ends the answer. */
public final class AsciiTokenizer implements Tokenizer {
    /** The end token. */
    public static final int END = 0;

    /** Number of token ids. */
    public static final int VOCAB = 128;

    @Override
    public int vocabSize() {
        return VOCAB;
    }

    @Override
    public int[] encode(PromptText text, boolean addSpecial) {
        return text.text().chars().toArray();
    }

    /** Token ids of a text. */
    public static int[] ids(String text) {
        return text.chars().toArray();
    }

    @Override
    public byte[] bytes(int token) {
        return new String(Character.toChars(token)).getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public boolean isControl(int token) {
        return token == END;
    }

    @Override
    public boolean isEndOfGeneration(int token) {
        return token == END;
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt eos() {
        return OptionalInt.of(END);
    }

    @Override
    public boolean addsBos() {
        return false;
    }

    @Override
    public String name(int token) {
        return "<" + token + ">";
    }
}

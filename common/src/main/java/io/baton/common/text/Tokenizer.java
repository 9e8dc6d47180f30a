package io.baton.common.text;

import java.util.OptionalInt;

/**
 * Text to token ids and back, as the model file's own metadata says. Immutable; safe for any
 * thread.
 */
public interface Tokenizer {
    /** Number of token ids; ids are {@code 0..vocabSize()-1}. */
    int vocabSize();

    /**
     * Token ids of a text. Control tokens are recognised in trusted parts only; the text between
     * them is encoded as one piece, whoever wrote it. A leading space, if the model wants one, is
     * added as its file says.
     *
     * @param addSpecial whether BOS (and EOS, if so) is added where the file says that the model
     *     wants it
     * @throws io.baton.common.error.BatonException INVALID_VALUE if the text holds a lone surrogate
     */
    int[] encode(PromptText text, boolean addSpecial);

    /** The bytes that a token stands for in text; for a control token the bytes of its name. */
    byte[] bytes(int token);

    /**
     * Whether the token is a control token: never produced by text, left out of output by default.
     */
    boolean isControl(int token);

    /** Whether the model ends its turn with this token: EOS, EOT and the like. */
    boolean isEndOfGeneration(int token);

    OptionalInt bos();

    OptionalInt eos();

    /** Whether {@link #encode} with {@code addSpecial} puts BOS first. */
    boolean addsBos();

    /**
     * Whether {@link #encode} puts a space before the text, which decoding from the start takes
     * away again (SentencePiece).
     */
    default boolean addsSpacePrefix() {
        return false;
    }

    /** The token's name as the vocabulary spells it, for {@code token_strs} and for people. */
    String name(int token);
}

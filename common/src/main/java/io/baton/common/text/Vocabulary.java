package io.baton.common.text;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a model file says about its tokens, after {@link TokenKinds} has been applied. Immutable
 * once built; safe for any thread.
 *
 * @param table spellings; control and unknown tokens cannot be found in it
 * @param kinds {@link TokenKinds} bits per token
 * @param bytes what each token stands for in text
 * @param marks the tokens with a meaning of their own
 */
record Vocabulary(TokenTable table, byte[] kinds, TokenBytes bytes, Marks marks) {
    /**
     * @param endOfGeneration ids that end the model's turn
     * @param stripsRight whether special tokens eat the white space after them, by id
     */
    record Marks(
            OptionalInt bos,
            OptionalInt eos,
            boolean addsBos,
            boolean addsEos,
            BitSet endOfGeneration,
            BitSet stripsRight) {}

    /** How tokens spell bytes. */
    enum Spelling {
        /** Each character stands for one byte (GPT-2). */
        BYTE_CHARACTERS,
        /** UTF-8 with U+2581 for the space (SentencePiece). */
        ESCAPED_SPACES
    }

    boolean isControl(int token) {
        return (kinds[token] & (TokenKinds.CONTROL | TokenKinds.UNKNOWN)) != 0;
    }

    int size() {
        return kinds.length;
    }

    /** The bytes of all tokens in one array. */
    static final class TokenBytes {
        private final byte[] arena;
        private final int[] offsets;

        private TokenBytes(byte[] arena, int[] offsets) {
            this.arena = arena;
            this.offsets = offsets;
        }

        static TokenBytes of(List<byte[]> values) {
            int[] offsets = new int[values.size() + 1];
            for (int id = 0; id < values.size(); id++) {
                offsets[id + 1] = Math.addExact(offsets[id], values.get(id).length);
            }
            byte[] arena = new byte[offsets[values.size()]];
            for (int id = 0; id < values.size(); id++) {
                byte[] value = values.get(id);
                System.arraycopy(value, 0, arena, offsets[id], value.length);
            }
            return new TokenBytes(arena, offsets);
        }

        int length(int token) {
            return offsets[token + 1] - offsets[token];
        }

        byte[] of(int token) {
            byte[] copy = new byte[length(token)];
            System.arraycopy(arena, offsets[token], copy, 0, copy.length);
            return copy;
        }
    }

    /**
     * The bytes that a token stands for: its spelling's own for special ones, none for unused ones,
     * one byte for byte tokens, else the spelling decoded.
     */
    static byte[] decode(String text, int kind, Spelling spelling) {
        if ((kind & TokenKinds.SPECIAL) != 0) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        if ((kind & TokenKinds.NORMAL) != 0) {
            return switch (spelling) {
                case BYTE_CHARACTERS -> ByteAlphabet.decode(text);
                case ESCAPED_SPACES -> text.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
            };
        }
        if ((kind & TokenKinds.BYTE) != 0) {
            return new byte[] {(byte) Integer.parseInt(text, 3, 5, 16)};
        }
        return new byte[0];
    }
}

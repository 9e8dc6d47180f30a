package io.baton.common.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.IntPredicate;

/**
 * Token ids to text, one id at a time. A character whose bytes are spread over tokens appears when
 * its last byte has come, both halves of a surrogate pair at once; bytes that are no UTF-8 become
 * U+FFFD as the JDK replaces them. The text is a pure function of the ids. Owned by one thread.
 */
public final class TokenDecoder {
    private final Tokenizer tokenizer;
    private final IntPredicate hidden;
    private final CharsetDecoder utf8 =
            StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE);

    /** Bytes of an unfinished character, before the position. */
    private ByteBuffer pending = ByteBuffer.allocate(64);

    private boolean stripSpace;

    private TokenDecoder(Tokenizer tokenizer, IntPredicate hidden, boolean stripSpace) {
        this.tokenizer = tokenizer;
        this.hidden = hidden;
        this.stripSpace = stripSpace;
    }

    /**
     * A decoder for ids that continue a text: a leading space belongs to the answer.
     *
     * @param skipSpecial whether control tokens are left out
     */
    public static TokenDecoder continuing(Tokenizer tokenizer, boolean skipSpecial) {
        return continuing(tokenizer, token -> skipSpecial);
    }

    /**
     * A decoder for ids that continue a text.
     *
     * @param hidden which control tokens are left out
     */
    public static TokenDecoder continuing(Tokenizer tokenizer, IntPredicate hidden) {
        return new TokenDecoder(tokenizer, hidden, false);
    }

    /**
     * A decoder for ids that start a text: one leading space of the first id is left out if {@link
     * Tokenizer#encode} puts one before each text, as llama.cpp's {@code llama_detokenize} does.
     */
    public static TokenDecoder fromStart(Tokenizer tokenizer, boolean skipSpecial) {
        return new TokenDecoder(tokenizer, token -> skipSpecial, tokenizer.addsSpacePrefix());
    }

    /** The text of a whole sequence. */
    public static String decode(Tokenizer tokenizer, int[] tokens, boolean skipSpecial) {
        TokenDecoder decoder = fromStart(tokenizer, skipSpecial);
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
            text.append(decoder.push(token));
        }
        return text.append(decoder.finish()).toString();
    }

    /** The text that is complete with this token; often empty. */
    public String push(int token) {
        boolean strip = stripSpace;
        stripSpace = false;
        if (tokenizer.isControl(token) && hidden.test(token)) {
            return "";
        }
        byte[] bytes = tokenizer.bytes(token);
        int from = strip && bytes.length > 0 && bytes[0] == ' ' ? 1 : 0;
        reserve(bytes.length);
        pending.put(bytes, from, bytes.length - from);
        return drain(false);
    }

    /** Ends the text: an unfinished character becomes U+FFFD. */
    public String finish() {
        String rest = drain(true);
        utf8.reset();
        return rest;
    }

    private void reserve(int more) {
        if (pending.remaining() < more) {
            ByteBuffer larger = ByteBuffer.allocate(Math.addExact(pending.position(), more));
            pending = larger.put(pending.flip());
        }
    }

    private String drain(boolean end) {
        pending.flip();
        // One character a byte at most, and one for what is left at the end.
        CharBuffer text = CharBuffer.allocate(pending.remaining() + 1);
        utf8.decode(pending, text, end);
        if (end) {
            utf8.flush(text);
        }
        pending.compact();
        return text.flip().toString();
    }
}

package io.baton.common.grammar;

import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A byte-level vocabulary without a model: end tokens and control tokens first, then single bytes,
 * then pieces of many bytes such as trained vocabularies have, those that cross the borders of
 * JSON's parts among them.
 */
final class FakeTokens implements Tokenizer {
    static final int END = 0;
    static final int OTHER_END = 1;
    static final int CALL = 2;
    private static final int CONTROLS = 3;

    private static final String[] PARTS = {
        "{", "}", "[", "]", "\"", ",", ":", " ", "\n", "  ", "\t", "\\", "\\n", "\\u", "true",
        "false", "null", "name", "the", "of", "a", "B", "é", "ß", "日", "本", "😀", "1", "23", "0",
        "-", ".", "e", "E", "+", "\":", "\",", "\"}", "{\"", "[\"", "age", "id", "ing", "_", "@",
        "/", "2024", "T", "Z", "00", "x", "red", "blue"
    };

    private final List<byte[]> bytes = new ArrayList<>();

    /**
     * @param without bytes that no token alone spells
     */
    FakeTokens(int size, long seed, Set<Integer> without) {
        bytes.add(utf8("<end>"));
        bytes.add(utf8("<other-end>"));
        bytes.add(utf8("<call>"));
        for (int octet = 0; octet < 256; octet++) {
            bytes.add(without.contains(octet) ? new byte[0] : new byte[] {(byte) octet});
        }
        Set<String> seen = new HashSet<>();
        SplittableRandom random = new SplittableRandom(seed);
        while (bytes.size() < size) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(1, 7); i > 0; i--) {
                text.append(
                        random.nextInt(3) == 0
                                ? PARTS[random.nextInt(PARTS.length)]
                                : String.valueOf((char) random.nextInt('a', 'z' + 1)));
            }
            byte[] piece = utf8(text.toString());
            if (random.nextInt(50) == 0) {
                // A part of a character, as byte-level merges have them.
                piece = java.util.Arrays.copyOf(piece, Math.max(1, piece.length - 1));
            }
            if (seen.add(new String(piece, StandardCharsets.ISO_8859_1))) {
                bytes.add(piece);
            }
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static FakeTokens tiny() {
        return new FakeTokens(400, 1, Set.of());
    }

    String text(int[] tokens, int count) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            out.writeBytes(bytes.get(tokens[i]));
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public int vocabSize() {
        return bytes.size();
    }

    @Override
    public int[] encode(PromptText text, boolean addSpecial) {
        throw new AssertionError("constraints never encode");
    }

    @Override
    public byte[] bytes(int token) {
        return bytes.get(token).clone();
    }

    @Override
    public boolean isControl(int token) {
        return token < CONTROLS;
    }

    @Override
    public boolean isEndOfGeneration(int token) {
        return token == END || token == OTHER_END;
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
        return new String(bytes.get(token), StandardCharsets.ISO_8859_1);
    }
}

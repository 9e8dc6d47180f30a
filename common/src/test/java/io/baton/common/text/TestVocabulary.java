package io.baton.common.text;

import io.baton.common.model.GgufMetadata;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Metadata from a map, and small vocabularies to test with. */
final class TestVocabulary implements GgufMetadata {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    static final int CONTROL = 3;
    static final int USER_DEFINED = 4;
    static final int BYTE = 6;

    private final Map<String, Object> values = new HashMap<>();
    private final List<String> tokens = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();

    TestVocabulary put(String key, Object value) {
        values.put(key.contains(".") ? key : "tokenizer.ggml." + key, value);
        return this;
    }

    TestVocabulary remove(String key) {
        values.remove("tokenizer.ggml." + key);
        return this;
    }

    TestVocabulary token(String text, int type, float score) {
        tokens.add(text);
        types.add(type);
        scores.add(score);
        put("tokens", List.copyOf(tokens));
        put("token_type", types.stream().mapToInt(t -> t).toArray());
        float[] all = new float[scores.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = scores.get(i);
        }
        return put("scores", all);
    }

    TestVocabulary merge(String left, String right) {
        merges.add(left + " " + right);
        put("merges", List.copyOf(merges));
        if (!tokens.contains(left + right)) {
            token(left + right, NORMAL, 0);
        }
        return this;
    }

    int id(String token) {
        return tokens.indexOf(token);
    }

    Tokenizer build() {
        return Tokenizers.of(this);
    }

    /**
     * All 256 bytes (ids 0 to 255 in byte order), a few merges and ChatML's control tokens, {@code
     * <tool>} as a user-defined one.
     */
    static TestVocabulary bytePair(String pre) {
        TestVocabulary vocabulary =
                new TestVocabulary().put("model", "gpt2").put("pre", pre).put("merges", List.of());
        for (int b = 0; b < 256; b++) {
            vocabulary.token(String.valueOf(ByteAlphabet.character(b)), NORMAL, 0);
        }
        vocabulary.token("<|im_start|>", CONTROL, 0).token("<|im_end|>", CONTROL, 0);
        vocabulary.token("<|im_start|>x", CONTROL, 0).token("<tool>", USER_DEFINED, 0);
        vocabulary
                .merge("h", "e")
                .merge("l", "l")
                .merge("he", "ll")
                .merge("hell", "o")
                .merge("Ġ", "hello")
                .merge("Ġ", "Ġ")
                .merge("a", "b")
                .merge("ab", "ab");
        return vocabulary
                .put("bos_token_id", 256L)
                .put("eos_token_id", 257L)
                .put("add_bos_token", false);
    }

    /** A SentencePiece vocabulary with all byte tokens. */
    static TestVocabulary sentencePiece() {
        TestVocabulary vocabulary =
                new TestVocabulary()
                        .put("model", "llama")
                        .token("<unk>", UNKNOWN, 0)
                        .token("<s>", CONTROL, 0)
                        .token("</s>", CONTROL, 0);
        for (int b = 0; b < 256; b++) {
            vocabulary.token("<0x%02X>".formatted(b), BYTE, 0);
        }
        String[] pieces = {"he", "ll", "hell", "hello", "▁hello", "▁", "h", "e", "l", "o", "▁▁"};
        for (int i = 0; i < pieces.length; i++) {
            vocabulary.token(pieces[i], NORMAL, -i - 1f);
        }
        return vocabulary;
    }

    @Override
    public Optional<String> string(String key) {
        return Optional.ofNullable((String) values.get(key));
    }

    @Override
    public OptionalLong integer(String key) {
        Long value = (Long) values.get(key);
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }

    @Override
    public Optional<Boolean> bool(String key) {
        return Optional.ofNullable((Boolean) values.get(key));
    }

    @Override
    @SuppressWarnings("unchecked")
    public Optional<List<String>> strings(String key) {
        return Optional.ofNullable((List<String>) values.get(key));
    }

    @Override
    public Optional<int[]> ints(String key) {
        return Optional.ofNullable((int[]) values.get(key));
    }

    @Override
    public Optional<float[]> floats(String key) {
        return Optional.ofNullable((float[]) values.get(key));
    }
}

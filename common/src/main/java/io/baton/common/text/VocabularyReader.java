package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufMetadata;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads and checks the {@code tokenizer.ggml.*} keys of a model file. */
final class VocabularyReader {
    static final String PREFIX = "tokenizer.ggml.";
    static final String TOKENS = PREFIX + "tokens";

    /** The largest vocabulary and list of merges that are read. */
    static final int MAX_TOKENS = 1 << 22;

    /** UTF-16 units of the longest token that is read. */
    static final int MAX_TOKEN_LENGTH = 1 << 14;

    /** UTF-16 units of all tokens together, and of the special ones among them. */
    static final int MAX_CHARACTERS = 1 << 23;

    static final int MAX_SPECIAL_CHARACTERS = 1 << 21;

    private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-Fa-f]{2}>");

    private final GgufMetadata metadata;
    private final String[] spellings;
    private final Map<String, Integer> ids;

    VocabularyReader(GgufMetadata metadata) {
        this.metadata = metadata;
        this.spellings = spellings(metadata);
        this.ids = HashMap.newHashMap(spellings.length);
        for (int id = 0; id < spellings.length; id++) {
            Integer other = ids.putIfAbsent(spellings[id], id);
            if (other != null) {
                throw invalid(TOKENS, "tokens %d and %d are both '%s'", other, id, spellings[id]);
            }
        }
    }

    private static String[] spellings(GgufMetadata metadata) {
        List<String> tokens =
                metadata.strings(TOKENS).orElseThrow(() -> invalid(TOKENS, "is missing"));
        if (tokens.isEmpty() || tokens.size() > MAX_TOKENS) {
            throw invalid(TOKENS, "holds %d tokens, 1 to %d are read", tokens.size(), MAX_TOKENS);
        }
        String[] spellings = tokens.toArray(new String[0]);
        long characters = 0;
        for (int id = 0; id < spellings.length; id++) {
            if (spellings[id].isEmpty()) {
                spellings[id] = "[EMPTY_" + id + "]";
            } else if (spellings[id].length() > MAX_TOKEN_LENGTH) {
                throw invalid(
                        TOKENS,
                        "token %d is %d characters long, at most %d are read",
                        id,
                        spellings[id].length(),
                        MAX_TOKEN_LENGTH);
            }
            characters += spellings[id].length();
        }
        requireAtMost(MAX_CHARACTERS, characters, "all tokens");
        return spellings;
    }

    private static void requireAtMost(int limit, long characters, String what) {
        if (characters > limit) {
            throw invalid(
                    TOKENS, "%s have %d characters, at most %d are read", what, characters, limit);
        }
    }

    /** What the kind of tokenizer implies where the file says nothing. */
    record Defaults(
            Vocabulary.Spelling spelling, boolean addsBos, OptionalInt bos, OptionalInt eos) {}

    Vocabulary read(Defaults defaults) {
        byte[] kinds = kinds();
        BitSet ends = TokenKinds.correct(ids, kinds, this::id);
        OptionalInt bos = idOr("bos", defaults.bos());
        OptionalInt eos = idOr("eos", defaults.eos());
        eos.ifPresent(ends::set);
        listed(TokenizerKeys.ENDS).ifPresent(ends::or);
        boolean addsBos = metadata.bool(PREFIX + "add_bos_token").orElse(defaults.addsBos());
        boolean addsEos = metadata.bool(PREFIX + "add_eos_token").orElse(false);
        if (addsBos && bos.isEmpty()) {
            throw invalid(PREFIX + "bos_token_id", "is missing, and add_bos_token is wanted");
        }
        if (addsEos && eos.isEmpty()) {
            throw invalid(PREFIX + "eos_token_id", "is missing, and add_eos_token is wanted");
        }
        long special = 0;
        boolean[] found = new boolean[spellings.length];
        List<byte[]> bytes = new ArrayList<>(spellings.length);
        for (int id = 0; id < spellings.length; id++) {
            found[id] = (kinds[id] & (TokenKinds.CONTROL | TokenKinds.UNKNOWN)) == 0;
            bytes.add(Vocabulary.decode(spellings[id], kinds[id], defaults.spelling()));
            special += (kinds[id] & TokenKinds.SPECIAL) != 0 ? spellings[id].length() : 0;
        }
        requireAtMost(MAX_SPECIAL_CHARACTERS, special, "special tokens");
        return new Vocabulary(
                new TokenTable(spellings, found),
                kinds,
                Vocabulary.TokenBytes.of(bytes),
                new Vocabulary.Marks(bos, eos, addsBos, addsEos, ends, stripsRight(kinds)));
    }

    private byte[] kinds() {
        String key = PREFIX + "token_type";
        int[] types = metadata.ints(key).orElse(null);
        byte[] kinds = new byte[spellings.length];
        if (types != null && types.length < kinds.length) {
            throw invalid(key, "has %d entries for %d tokens", types.length, kinds.length);
        }
        for (int id = 0; id < kinds.length; id++) {
            kinds[id] = types == null ? TokenKinds.NORMAL : TokenKinds.ofGguf(types[id]);
            if (kinds[id] == TokenKinds.BYTE && !BYTE_TOKEN.matcher(spellings[id]).matches()) {
                throw invalid(TOKENS, "byte token %d is '%s', <0xHH> is wanted", id, spellings[id]);
            }
        }
        return kinds;
    }

    private BitSet stripsRight(byte[] kinds) {
        Optional<BitSet> listed = listed(TokenizerKeys.STRIPS_RIGHT);
        return listed.isPresent() ? listed.get() : phi3Strips(kinds);
    }

    private Optional<BitSet> listed(String key) {
        return metadata.ints(key)
                .map(
                        listed -> {
                            BitSet set = new BitSet();
                            for (int id : listed) {
                                if (id < 0 || id >= spellings.length) {
                                    throw invalid(
                                            key,
                                            "holds %d, the vocabulary has %d tokens",
                                            id,
                                            spellings.length);
                                }
                                set.set(id);
                            }
                            return set;
                        });
    }

    /** Phi-3's special tokens eat the white space after them, which no key says. */
    private BitSet phi3Strips(byte[] kinds) {
        BitSet strips = new BitSet();
        String name = metadata.string("general.name").orElse("").toLowerCase(Locale.ROOT);
        if (name.contains("phi-3") || name.contains("phi3")) {
            Set<String> not = Set.of("<unk>", "<s>", "<|endoftext|>");
            for (int id = 0; id < kinds.length; id++) {
                if ((kinds[id] & TokenKinds.SPECIAL) != 0 && !not.contains(spellings[id])) {
                    strips.set(id);
                }
            }
        }
        return strips;
    }

    /** The id under {@code tokenizer.ggml.<shortName>_token_id}, empty if none is given. */
    OptionalInt id(String shortName) {
        String key = PREFIX + shortName + "_token_id";
        OptionalLong id = metadata.integer(key);
        if (id.isEmpty()) {
            return OptionalInt.empty();
        }
        if (id.getAsLong() < 0 || id.getAsLong() >= spellings.length) {
            throw invalid(
                    key, "is %d, the vocabulary has %d tokens", id.getAsLong(), spellings.length);
        }
        return OptionalInt.of((int) id.getAsLong());
    }

    private OptionalInt idOr(String shortName, OptionalInt fallback) {
        OptionalInt id = id(shortName);
        return id.isPresent() || fallback.isEmpty() || fallback.getAsInt() >= spellings.length
                ? id
                : fallback;
    }

    /** Scores, one per token; zeros if the file has none. */
    float[] scores() {
        String key = PREFIX + "scores";
        float[] scores = metadata.floats(key).orElseGet(() -> new float[spellings.length]);
        if (scores.length < spellings.length) {
            throw invalid(key, "has %d entries for %d tokens", scores.length, spellings.length);
        }
        for (int id = 0; id < spellings.length; id++) {
            if (Float.isNaN(scores[id])) {
                throw invalid(key, "token %d's score is no number", id);
            }
        }
        return scores;
    }

    List<String> merges() {
        String key = PREFIX + "merges";
        List<String> merges = metadata.strings(key).orElseThrow(() -> invalid(key, "is missing"));
        if (merges.size() > MAX_TOKENS) {
            throw invalid(key, "holds %d merges, at most %d are read", merges.size(), MAX_TOKENS);
        }
        for (String merge : merges) {
            if (merge.length() > 2 * MAX_TOKEN_LENGTH) {
                throw invalid(
                        key,
                        "a merge has %d characters, at most %d are read",
                        merge.length(),
                        2 * MAX_TOKEN_LENGTH);
            }
        }
        return merges;
    }

    static BatonException invalid(String key, String problem, Object... values) {
        return new BatonException(
                ErrorCode.MODEL_FILE_INVALID, key + ": " + problem.formatted(values));
    }
}

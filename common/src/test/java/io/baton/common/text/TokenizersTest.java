package io.baton.common.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizersTest {
    private static final TestVocabulary BPE = TestVocabulary.bytePair("gpt-2");
    private static final Tokenizer BYTE_PAIR = BPE.build();
    private static final TestVocabulary PIECES = TestVocabulary.sentencePiece();
    private static final Tokenizer SENTENCE_PIECE = PIECES.build();

    private static int[] plain(Tokenizer tokenizer, String text) {
        return tokenizer.encode(PromptText.untrusted(text), false);
    }

    private static int[] trusted(Tokenizer tokenizer, String text) {
        return tokenizer.encode(PromptText.trusted(text), false);
    }

    private static int[] ids(TestVocabulary vocabulary, String... tokens) {
        return Arrays.stream(tokens).mapToInt(vocabulary::id).toArray();
    }

    /** Random text: letters that merge, spaces, any Unicode, pieces of special tokens. */
    static String randomText(Random random, int parts) {
        StringBuilder text = new StringBuilder();
        String[] known = {
            "hello", " hello", "  ", "\n", "abab", "<|im_start|>", "<|im_end|>", "<tool>", "<|im_",
            "start|>", "x", "'s", "7", "<0x41>", "▁", "</s>", "<s>", "<unk>"
        };
        for (int i = 0; i < parts; i++) {
            if (random.nextBoolean()) {
                text.append(known[random.nextInt(known.length)]);
            } else {
                int codePoint = random.nextInt(random.nextBoolean() ? 0x250 : 0x110000);
                boolean surrogate = codePoint >= 0xD800 && codePoint < 0xE000;
                text.appendCodePoint(surrogate ? 'q' : codePoint);
            }
        }
        return text.toString();
    }

    @Test
    void mergesInOrderOfRank() {
        assertArrayEquals(
                ids(BPE, "hello", "Ġhello", "Ġ", "Ġhello"), plain(BYTE_PAIR, "hello hello  hello"));
        assertArrayEquals(ids(PIECES, "▁hello", "▁hello"), plain(SENTENCE_PIECE, "hello hello"));
    }

    @Test
    void longWordsMergeAsShortOnesDo() {
        // 28 symbols are scanned, 56 go through the heap.
        int[] shorter = plain(BYTE_PAIR, "ab".repeat(14));
        int[] longer = plain(BYTE_PAIR, "ab".repeat(28));
        assertEquals(7, shorter.length);
        assertEquals(14, longer.length);
        assertArrayEquals(shorter, Arrays.copyOf(longer, 7));
        assertArrayEquals(shorter, Arrays.copyOfRange(longer, 7, 14));
    }

    /** The heap and the scan must agree on every word, whatever the merges are. */
    @Test
    void heapAndScanAgree() {
        Random random = new Random(11);
        for (int round = 0; round < 200; round++) {
            PairTable table = new PairTable(64);
            for (int rank = 0; rank < 40; rank++) {
                table.add(random.nextInt(12), random.nextInt(12), rank, random.nextInt(12));
            }
            for (int i = 0; i < 50; i++) {
                int[] symbols = random.ints(1 + random.nextInt(40), 0, 12).toArray();
                List<Integer> want = new ArrayList<>();
                Arrays.stream(symbols).forEach(want::add);
                mergeNaively(table, want);
                List<Integer> got = new ArrayList<>();
                new LongWord(table, symbols, symbols.length).merge(got::add);
                assertEquals(want, got);
            }
        }
    }

    /** Splitting into words and the heap against the plain rule, on random vocabularies. */
    @Test
    void sentencePieceAgreesWithThePlainRule() {
        Random random = new Random(12);
        for (int round = 0; round < 100; round++) {
            TestVocabulary vocabulary = TestVocabulary.sentencePiece();
            Map<String, Float> scores = new HashMap<>();
            for (int i = 0; i < 40; i++) {
                StringBuilder piece = new StringBuilder();
                for (int n = 1 + random.nextInt(4); n > 0; n--) {
                    piece.append("abc▁".charAt(random.nextInt(round % 2 == 0 ? 4 : 3)));
                }
                String text = (random.nextBoolean() ? "▁" : "") + piece;
                if (vocabulary.id(text) < 0) {
                    float score = -random.nextInt(10);
                    scores.put(text, score);
                    vocabulary.token(text, TestVocabulary.NORMAL, score);
                }
            }
            scores.put("▁", 0f);
            scores.put("▁▁", -11f);
            Tokenizer tokenizer = vocabulary.build();
            for (int i = 0; i < 100; i++) {
                StringBuilder text = new StringBuilder();
                for (int n = 1 + random.nextInt(40); n > 0; n--) {
                    text.append("abc ".charAt(random.nextInt(4)));
                }
                List<Integer> want = new ArrayList<>();
                for (String symbol :
                        mergeByScore("▁" + text.toString().replace(' ', '▁'), scores)) {
                    want.add(
                            scores.containsKey(symbol)
                                    ? vocabulary.id(symbol)
                                    : vocabulary.id("<0x%02X>".formatted((int) symbol.charAt(0))));
                }
                assertEquals(
                        want,
                        Arrays.stream(plain(tokenizer, text.toString())).boxed().toList(),
                        text.toString());
            }
        }
    }

    private static List<String> mergeByScore(String text, Map<String, Float> scores) {
        List<String> symbols = new ArrayList<>(List.of(text.split("")));
        while (true) {
            int best = -1;
            float most = Float.NEGATIVE_INFINITY;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                Float score = scores.get(symbols.get(i) + symbols.get(i + 1));
                if (score != null && score > most) {
                    most = score;
                    best = i;
                }
            }
            if (best < 0) {
                return symbols;
            }
            symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
        }
    }

    private static void mergeNaively(PairTable table, List<Integer> symbols) {
        while (true) {
            int best = -1;
            long least = PairTable.NONE;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                long merge = table.find(symbols.get(i), symbols.get(i + 1));
                if (merge < least) {
                    least = merge;
                    best = i;
                }
            }
            if (best < 0) {
                return;
            }
            symbols.set(best, (int) least);
            symbols.remove(best + 1);
        }
    }

    static List<String> preTokenizers() {
        return List.copyOf(PreTokenizers.names());
    }

    @ParameterizedTest
    @MethodSource("preTokenizers")
    void textComesBackUnderEveryPreTokenizer(String pre) {
        Random random = new Random(7);
        TestVocabulary vocabulary = TestVocabulary.bytePair(pre);
        boolean raw = pre.equals("gemma4");
        if (raw) {
            vocabulary.token("▁", TestVocabulary.NORMAL, 0);
            for (int b = 0; b < 256; b++) {
                vocabulary.token("<0x%02X>".formatted(b), TestVocabulary.BYTE, 0);
            }
        }
        Tokenizer tokenizer = vocabulary.build();
        for (int i = 0; i < 300; i++) {
            String text = randomText(random, 1 + random.nextInt(30));
            String want = raw ? text.replace('\u2581', ' ') : text;
            assertEquals(want, TokenDecoder.decode(tokenizer, plain(tokenizer, text), false));
            assertEquals(want, TokenDecoder.decode(tokenizer, trusted(tokenizer, text), false));
        }
    }

    @Test
    void sentencePieceTextComesBack() {
        Random random = new Random(8);
        for (int i = 0; i < 2000; i++) {
            String text = randomText(random, 1 + random.nextInt(30));
            assertEquals(
                    text.replace('\u2581', ' '),
                    TokenDecoder.decode(SENTENCE_PIECE, plain(SENTENCE_PIECE, text), false));
        }
    }

    /** Both ways of finding special tokens give the same: this trie, and a search per token. */
    @Test
    void specialTokensAreTakenLongestFirst() {
        Random random = new Random(9);
        TestVocabulary vocabulary = TestVocabulary.bytePair("gpt-2");
        String[] specials = {"pp", "ppp", "pq", "ppq", "qp", "p\nq", "\n\n", "\n\n\n", "qq\n"};
        for (String special : specials) {
            vocabulary.token(special, TestVocabulary.USER_DEFINED, 0);
        }
        Tokenizer tokenizer = vocabulary.build();
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(20); n >= 0; n--) {
                text.append("ppq\n".charAt(random.nextInt(4)));
            }
            List<Integer> want = new ArrayList<>();
            List<String> order = new ArrayList<>(List.of(specials));
            order.sort((a, b) -> b.length() - a.length());
            split(text.toString(), order, 0, vocabulary, tokenizer, want);
            List<Integer> got = Arrays.stream(plain(tokenizer, text.toString())).boxed().toList();
            assertEquals(want, got, text.toString());
        }
    }

    private static void split(
            String text,
            List<String> order,
            int special,
            TestVocabulary vocabulary,
            Tokenizer tokenizer,
            List<Integer> out) {
        if (text.isEmpty()) {
            return;
        }
        if (special == order.size()) {
            for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
                out.add((int) b);
            }
            return;
        }
        String name = order.get(special);
        int at = text.indexOf(name);
        if (at < 0) {
            split(text, order, special + 1, vocabulary, tokenizer, out);
        } else {
            split(text.substring(0, at), order, special + 1, vocabulary, tokenizer, out);
            out.add(vocabulary.id(name));
            split(text.substring(at + name.length()), order, special, vocabulary, tokenizer, out);
        }
    }

    @Test
    void controlTokensComeFromTrustedTextOnly() {
        Random random = new Random(10);
        for (Tokenizer tokenizer : List.of(BYTE_PAIR, SENTENCE_PIECE)) {
            for (int i = 0; i < 2000; i++) {
                String ours = random.nextBoolean() ? "<|im_start|>" : "<s>";
                String theirs = randomText(random, 1 + random.nextInt(12));
                PromptText prompt =
                        PromptText.concat(
                                List.of(
                                        PromptText.trusted(ours),
                                        PromptText.untrusted(theirs),
                                        PromptText.trusted(ours)));
                long controls =
                        Arrays.stream(tokenizer.encode(prompt, false))
                                .filter(tokenizer::isControl)
                                .count();
                boolean known = ours.equals("<|im_start|>") == (tokenizer == BYTE_PAIR);
                assertEquals(known ? 2 : 0, controls, theirs);
            }
        }
    }

    @Test
    void aControlTokenAcrossTheBorderOfTrustIsText() {
        PromptText prompt =
                PromptText.concat(
                        List.of(PromptText.trusted("<|im_"), PromptText.untrusted("end|>")));
        assertTrue(Arrays.stream(BYTE_PAIR.encode(prompt, false)).noneMatch(BYTE_PAIR::isControl));
    }

    @Test
    void aShorterControlTokenStandsWhereTheLongerOneReachesIntoUserText() {
        PromptText prompt =
                PromptText.concat(
                        List.of(PromptText.trusted("<|im_start|>"), PromptText.untrusted("x")));
        assertArrayEquals(ids(BPE, "<|im_start|>", "x"), BYTE_PAIR.encode(prompt, false));
        assertArrayEquals(ids(BPE, "<|im_start|>x"), trusted(BYTE_PAIR, "<|im_start|>x"));
    }

    @Test
    void userDefinedTokensAreTextAndFoundEverywhere() {
        assertArrayEquals(ids(BPE, "a", "<tool>", "b"), plain(BYTE_PAIR, "a<tool>b"));
        assertFalse(BYTE_PAIR.isControl(BPE.id("<tool>")));
    }

    @Test
    void mergesNeverMakeAControlToken() {
        TestVocabulary vocabulary =
                TestVocabulary.bytePair("gpt-2").token("xy", TestVocabulary.CONTROL, 0);
        vocabulary.put("merges", List.of("x y"));
        assertArrayEquals(ids(vocabulary, "x", "y"), plain(vocabulary.build(), "xy"));
        vocabulary.put("pre", "llama-bpe");
        assertArrayEquals(ids(vocabulary, "x", "y"), plain(vocabulary.build(), "xy"));
    }

    @Test
    void mislabelledTokensAreSetRightByTheirText() {
        TestVocabulary vocabulary = TestVocabulary.bytePair("gpt-2");
        vocabulary.token("<|endoftext|>", TestVocabulary.NORMAL, 0);
        vocabulary.token("<fim_prefix>", TestVocabulary.USER_DEFINED, 0);
        Tokenizer tokenizer = vocabulary.build();
        int end = vocabulary.id("<|endoftext|>");
        assertTrue(tokenizer.isControl(end));
        assertTrue(tokenizer.isEndOfGeneration(end));
        assertTrue(tokenizer.isEndOfGeneration(vocabulary.id("<|im_end|>")));
        assertFalse(tokenizer.isEndOfGeneration(vocabulary.id("<|im_start|>")));
        assertTrue(tokenizer.isControl(vocabulary.id("<fim_prefix>")));
        assertEquals(13, plain(tokenizer, "<|endoftext|>").length);
        assertArrayEquals(new int[] {end}, trusted(tokenizer, "<|endoftext|>"));
    }

    @Test
    void beginningAndEndAreAddedAsTheFileSays() {
        int hello = PIECES.id("▁hello");
        assertArrayEquals(
                new int[] {1, hello}, SENTENCE_PIECE.encode(PromptText.untrusted("hello"), true));
        assertArrayEquals(new int[] {1}, SENTENCE_PIECE.encode(PromptText.untrusted(""), true));
        TestVocabulary both = TestVocabulary.sentencePiece().put("add_eos_token", true);
        assertArrayEquals(
                new int[] {1, hello, 2}, both.build().encode(PromptText.untrusted("hello"), true));
        TestVocabulary none = TestVocabulary.sentencePiece().put("add_bos_token", false);
        assertArrayEquals(
                new int[] {hello}, none.build().encode(PromptText.untrusted("hello"), true));
    }

    @Test
    void aSpaceIsPutBeforeTextThatFollowsNoText() {
        assertArrayEquals(
                ids(PIECES, "▁hello", "<s>", "▁hello"), trusted(SENTENCE_PIECE, "hello<s>hello"));
        TestVocabulary without = TestVocabulary.sentencePiece().put("add_space_prefix", false);
        assertArrayEquals(ids(without, "hello"), plain(without.build(), "hello"));
    }

    @Test
    void spacesAfterPhi3sSpecialTokensAreEaten() {
        TestVocabulary phi =
                TestVocabulary.sentencePiece()
                        .put("general.name", "Phi-3 mini")
                        .put("add_space_prefix", false)
                        .token("<|end|>", TestVocabulary.CONTROL, 0);
        assertArrayEquals(ids(phi, "<|end|>", "hello"), trusted(phi.build(), "<|end|> \n\t hello"));
        assertArrayEquals(ids(phi, "<s>", "▁hello"), trusted(phi.build(), "<s> hello"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\uD800", "a\uDC00", "\uD83Dx", "\uDE00\uD83D"})
    void loneSurrogatesAreRefused(String text) {
        BatonException e = assertThrows(BatonException.class, () -> plain(BYTE_PAIR, text));
        assertEquals(ErrorCode.INVALID_VALUE, e.code());
    }

    private static void refused(TestVocabulary vocabulary, String... words) {
        BatonException e = assertThrows(BatonException.class, vocabulary::build);
        assertEquals(ErrorCode.MODEL_FILE_INVALID, e.code());
        for (String word : words) {
            assertTrue(e.text().contains(word), e.text());
        }
    }

    @Test
    void badFilesAreRefusedByKeyAndValue() {
        refused(TestVocabulary.bytePair("no-such"), "tokenizer.ggml.pre", "no-such");
        refused(
                TestVocabulary.bytePair("gpt-2").put("model", "bert"),
                "tokenizer.ggml.model",
                "bert");
        refused(TestVocabulary.bytePair("gpt-2").remove("model"), "tokenizer.ggml.model");
        refused(TestVocabulary.bytePair("gpt-2").remove("merges"), "tokenizer.ggml.merges");
        refused(TestVocabulary.bytePair("gpt-2").remove("tokens"), "tokenizer.ggml.tokens");
        refused(
                TestVocabulary.bytePair("gpt-2").put("token_type", new int[3]),
                "tokenizer.ggml.token_type");
        refused(
                TestVocabulary.bytePair("gpt-2").put("eos_token_id", 1L << 40),
                "tokenizer.ggml.eos_token_id",
                "1099511627776");
        refused(
                TestVocabulary.bytePair("gpt-2").put("eos_token_id", -1L),
                "tokenizer.ggml.eos_token_id");
        refused(
                TestVocabulary.bytePair("gpt-2").remove("bos_token_id").put("add_bos_token", true),
                "tokenizer.ggml.bos_token_id");
        refused(
                TestVocabulary.bytePair("gpt-2").token("a", TestVocabulary.NORMAL, 0),
                "tokenizer.ggml.tokens",
                "'a'");
        refused(
                TestVocabulary.bytePair("gpt-2")
                        .token("x".repeat(20_000), TestVocabulary.NORMAL, 0),
                "16384");
        refused(TestVocabulary.sentencePiece().token("<0xZZ>", TestVocabulary.BYTE, 0), "<0xZZ>");
        refused(
                TestVocabulary.sentencePiece().put("scores", new float[2]),
                "tokenizer.ggml.scores");
        refused(
                TestVocabulary.sentencePiece().token("y", TestVocabulary.NORMAL, Float.NaN),
                "tokenizer.ggml.scores");
    }

    @Test
    void vocabulariesTooLargeToHoldAreRefused() {
        TestVocabulary special = TestVocabulary.bytePair("gpt-2");
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            tokens.add(i + "x".repeat(16_000));
        }
        int[] types = new int[600];
        Arrays.fill(types, TestVocabulary.CONTROL);
        refused(special.put("tokens", tokens).put("token_type", types), "all tokens");
        refused(special.put("tokens", tokens.subList(0, 300)), "special tokens");
    }

    @Test
    void nothingIsQuadratic() {
        int n = 200_000;
        TestVocabulary many = TestVocabulary.bytePair("llama-bpe").put("add_bos_token", false);
        StringBuilder run = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            run.append('\n');
            if (i > 0) {
                many.token(run.toString(), TestVocabulary.USER_DEFINED, 0);
            }
        }
        List<Tokenizer> tokenizers = List.of(BYTE_PAIR, SENTENCE_PIECE, many.build());
        List<String> texts =
                List.of(
                        "a".repeat(n),
                        " ".repeat(n),
                        "\n".repeat(n),
                        "ab".repeat(n / 2),
                        "漢".repeat(n),
                        "hello ".repeat(n / 6),
                        "<|im_start|".repeat(n / 11),
                        "<|im_start|>".repeat(n / 12));
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(60),
                () -> {
                    for (Tokenizer tokenizer : tokenizers) {
                        for (String text : texts) {
                            int[] ids = trusted(tokenizer, text);
                            assertEquals(text, TokenDecoder.decode(tokenizer, ids, false));
                        }
                    }
                });
    }
}

package io.baton.common.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Small real vocabularies, trained at once by byte-pair merging over a short text: byte-level for
 * Llama-like files, SentencePiece for Gemma-like ones. Deterministic.
 *
 * @param tokens names in the file's spelling, by id
 * @param types llama.cpp's token types: 1 normal, 3 control, 6 byte
 * @param scores SentencePiece scores; empty for byte-level
 * @param merges "left right" by rank; empty for SentencePiece
 */
record TinyVocabulary(List<String> tokens, int[] types, float[] scores, List<String> merges) {
    static final int NORMAL = 1;
    static final int CONTROL = 3;
    static final int BYTE = 6;

    /** A size that the text's merges reach. */
    private static final int SMALL = 512;

    static final List<String> LLAMA_CONTROLS =
            List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    static final List<String> GEMMA_CONTROLS =
            List.of("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>");

    private static final String TEXT =
            """
            A baton is passed from one runner to the next, and the race goes on without a stop. \
            The first runner reads the whole question at once; the second one writes the answer, \
            one word after the other. What was learned while reading must not be lost on the way: \
            it is carried over, piece by piece, while the first is still at work. When a runner \
            falls, another takes up what is there and goes on from the same place, so that the \
            people who listen hear one voice from the beginning to the end. You are a helpful \
            assistant. The user asks, the assistant answers. In the morning the sun rose over the \
            hills and the water of the river was cold and clear. There were seven boats on the \
            shore, and in each of them sat an old man with a lantern, waiting for the wind. They \
            said that nothing is more patient than a stone, and nothing more restless than a \
            thought. How many letters has this line, and which of these words comes again? Count \
            them: one, two, three, four, five, six, seven, eight, nine, ten. 0123456789\
            """;

    /** A byte-level vocabulary: control tokens, 256 bytes, merges up to {@code size} ids. */
    static TinyVocabulary byteLevel(int size) {
        List<String> tokens = new ArrayList<>(LLAMA_CONTROLS);
        for (int value = 0; value < 256; value++) {
            tokens.add(String.valueOf(byteCharacter(value)));
        }
        int wanted = size - tokens.size();
        if (wanted < 0) {
            throw new IllegalArgumentException("a vocabulary needs 259 ids at least: " + size);
        }
        List<String> merges = train(words('Ġ'), wanted);
        for (String merge : merges) {
            tokens.add(merge.replace(" ", ""));
        }
        int[] types = new int[size];
        Arrays.fill(types, NORMAL);
        Arrays.fill(types, 0, LLAMA_CONTROLS.size(), CONTROL);
        return new TinyVocabulary(List.copyOf(tokens), types, new float[0], merges);
    }

    /**
     * A byte-level vocabulary of any size: the small one's, then pairs of its tokens of letters, of
     * those and so on. Real merges all of them, so that a tokenizer has a real one's work.
     */
    static TinyVocabulary wide(int size) {
        TinyVocabulary small = byteLevel(Math.min(size, SMALL));
        List<String> tokens = new ArrayList<>(small.tokens());
        List<String> merges = new ArrayList<>(small.merges());
        Set<String> known = new HashSet<>(tokens);
        List<String> lefts =
                new ArrayList<>(tokens.stream().filter(TinyVocabulary::isLetters).toList());
        List<String> rights = lefts.stream().filter(part -> part.charAt(0) != 'Ġ').toList();
        for (int i = 0; tokens.size() < size; i++) {
            for (int j = 0; j < rights.size() && tokens.size() < size; j++) {
                String both = lefts.get(i) + rights.get(j);
                if (known.add(both)) {
                    tokens.add(both);
                    lefts.add(both);
                    merges.add(lefts.get(i) + " " + rights.get(j));
                }
            }
        }
        int[] types = new int[size];
        Arrays.fill(types, NORMAL);
        Arrays.fill(types, 0, LLAMA_CONTROLS.size(), CONTROL);
        return new TinyVocabulary(List.copyOf(tokens), types, new float[0], List.copyOf(merges));
    }

    private static boolean isLetters(String token) {
        return token.chars()
                .allMatch(c -> c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == 'Ġ');
    }

    /** A SentencePiece vocabulary: control tokens, 256 byte tokens, pieces, characters. */
    static TinyVocabulary sentencePiece(int size) {
        List<String> tokens = new ArrayList<>(GEMMA_CONTROLS);
        for (int value = 0; value < 256; value++) {
            tokens.add("<0x%02X>".formatted(value));
        }
        List<String> characters =
                TEXT.replace(' ', '▁')
                        .chars()
                        .distinct()
                        .sorted()
                        .mapToObj(Character::toString)
                        .toList();
        int wanted = size - tokens.size() - characters.size();
        if (wanted < 0) {
            throw new IllegalArgumentException(
                    "a vocabulary needs %d ids at least: %d".formatted(size - wanted, size));
        }
        for (String merge : train(words('▁'), wanted)) {
            tokens.add(merge.replace(" ", ""));
        }
        tokens.addAll(characters);
        int[] types = new int[size];
        float[] scores = new float[size];
        for (int id = 0; id < size; id++) {
            int piece = id - GEMMA_CONTROLS.size() - 256;
            types[id] = id < GEMMA_CONTROLS.size() ? CONTROL : piece < 0 ? BYTE : NORMAL;
            scores[id] = piece < 0 ? -1000 : -piece;
        }
        return new TinyVocabulary(List.copyOf(tokens), types, scores, List.of());
    }

    /** The printable character that GPT-2's byte-level encoding uses for a byte. */
    static char byteCharacter(int value) {
        if (isPrintable(value)) {
            return (char) value;
        }
        int before = 0;
        for (int other = 0; other < value; other++) {
            before += isPrintable(other) ? 0 : 1;
        }
        return (char) (256 + before);
    }

    private static boolean isPrintable(int value) {
        return value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xac || value >= 0xae;
    }

    /** Words with their leading space as a mark; letters apart from everything else. */
    private static List<List<String>> words(char space) {
        List<List<String>> words = new ArrayList<>();
        for (String word : TEXT.split("(?= )|(?<=[a-zA-Z])(?=[^a-zA-Z ])")) {
            if (word.chars().allMatch(c -> Character.isLetter(c) || c == ' ')) {
                words.add(
                        new ArrayList<>(
                                word.replace(' ', space)
                                        .chars()
                                        .mapToObj(Character::toString)
                                        .toList()));
            }
        }
        return words;
    }

    /** Byte-pair encoding's training: merge the most frequent pair, again and again. */
    private static List<String> train(List<List<String>> words, int count) {
        List<String> merges = new ArrayList<>(count);
        Map<String, Boolean> made = new HashMap<>();
        while (merges.size() < count) {
            Map<String, Integer> pairs = new TreeMap<>();
            for (List<String> word : words) {
                for (int i = 0; i + 1 < word.size(); i++) {
                    pairs.merge(word.get(i) + " " + word.get(i + 1), 1, Integer::sum);
                }
            }
            String best =
                    pairs.entrySet().stream()
                            .filter(pair -> !made.containsKey(pair.getKey().replace(" ", "")))
                            .max(
                                    Map.Entry.<String, Integer>comparingByValue()
                                            .thenComparing(
                                                    Map.Entry.comparingByKey(
                                                            Comparator.reverseOrder())))
                            .map(Map.Entry::getKey)
                            .orElseThrow(
                                    () ->
                                            new IllegalArgumentException(
                                                    "the text yields %d merges, %d are wanted"
                                                            .formatted(merges.size(), count)));
            merges.add(best);
            made.put(best.replace(" ", ""), true);
            merge(words, best);
        }
        return List.copyOf(merges);
    }

    private static void merge(List<List<String>> words, String pair) {
        int space = pair.indexOf(' ');
        String left = pair.substring(0, space);
        String right = pair.substring(space + 1);
        for (List<String> word : words) {
            for (int i = 0; i + 1 < word.size(); i++) {
                if (word.get(i).equals(left) && word.get(i + 1).equals(right)) {
                    word.set(i, left + right);
                    word.remove(i + 1);
                }
            }
        }
    }
}

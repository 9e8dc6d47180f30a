package io.baton.common.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The symbols and merges of a byte-pair vocabulary. Some vocabularies (falcon, refact, starcoder)
 * have merges whose parts or results are no tokens; such spellings get symbols beyond the token ids
 * and are spelled out at the end, character by character as far as tokens allow, as llama.cpp does.
 * Control tokens count as missing, so no text merges into one. Immutable; safe for any thread.
 */
final class BytePairVocabulary {
    private final TokenTable table;
    private final boolean raw;
    private final PairTable merges;
    private final int[] byteSymbols = new int[256];
    private final int[] byteTokens = new int[256];

    /** Ids that each symbol beyond the tokens is spelled with. */
    private final int[][] spelledOut;

    /** Characters, by code point, that are no tokens but parts of merges; raw only. */
    private final Map<Integer, Integer> extraCharacters = new HashMap<>();

    /**
     * @param mergeList "left right" in order of rank
     * @param raw see {@link PreTokenizer.Options#raw()}
     */
    BytePairVocabulary(TokenTable table, List<String> mergeList, boolean raw) {
        this.table = table;
        this.raw = raw;
        Map<String, Integer> extras = new HashMap<>();
        List<String> extraSpellings = new ArrayList<>();
        Symbols symbols = new Symbols(table, extras, extraSpellings);
        merges = new PairTable(mergeList.size());
        for (int rank = 0; rank < mergeList.size(); rank++) {
            String merge = mergeList.get(rank);
            // The first character may itself be a space.
            int space = merge.indexOf(' ', 1);
            if (space < 0 || space + 1 == merge.length()) {
                continue;
            }
            char[] joined = new char[merge.length() - 1];
            merge.getChars(0, space, joined, 0);
            merge.getChars(space + 1, merge.length(), joined, space);
            int left = symbols.of(joined, 0, space);
            int right = symbols.of(joined, space, joined.length);
            merges.add(left, right, rank, symbols.of(joined, 0, joined.length));
        }
        for (int b = 0; b < 256; b++) {
            char[] character = {ByteAlphabet.character(b)};
            byteSymbols[b] = raw ? -1 : symbols.of(character, 0, 1);
            char[] name =
                    raw
                            ? String.format(Locale.ROOT, "<0x%02X>", b).toCharArray()
                            : new char[] {(char) b};
            byteTokens[b] = raw || b < 0x80 ? table.find(name, 0, name.length) : -1;
        }
        spelledOut = new int[extraSpellings.size()][];
        for (int i = 0; i < spelledOut.length; i++) {
            String spelling = extraSpellings.get(i);
            spelledOut[i] = spellOut(spelling);
            if (spelling.codePointCount(0, spelling.length()) == 1) {
                extraCharacters.put(spelling.codePointAt(0), table.size() + i);
            }
        }
    }

    /** Gives spellings their symbols while the vocabulary is built. */
    private record Symbols(TokenTable table, Map<String, Integer> extras, List<String> spellings) {
        int of(char[] text, int from, int to) {
            int id = table.find(text, from, to);
            if (id >= 0) {
                return id;
            }
            String spelling = new String(text, from, to - from);
            Integer extra = extras.get(spelling);
            if (extra == null) {
                extra = Math.addExact(table.size(), spellings.size());
                extras.put(spelling, extra);
                spellings.add(spelling);
            }
            return extra;
        }
    }

    private int[] spellOut(String spelling) {
        TokenList ids = new TokenList(8);
        for (byte b : spelling.getBytes(StandardCharsets.UTF_8)) {
            int id = byteTokens[b & 0xFF];
            if (id >= 0) {
                ids.add(id);
            }
        }
        return ids.toArray();
    }

    int tokens() {
        return table.size();
    }

    PairTable merges() {
        return merges;
    }

    int symbolOfByte(int b) {
        return byteSymbols[b];
    }

    /** The symbol of a character of a raw vocabulary; {@code -1 - codePoint} if it has none. */
    int symbolOf(int codePoint) {
        char[] character = Character.toChars(codePoint);
        int id = table.find(character, 0, character.length);
        return id >= 0 ? id : extraCharacters.getOrDefault(codePoint, -1 - codePoint);
    }

    /** The ids of a symbol that is no token; bytes that have no token are left out. */
    int[] spelledOut(int symbol) {
        return symbol < 0
                ? spellOut(Character.toString(-1 - symbol))
                : spelledOut[symbol - table.size()];
    }

    /** The token that a whole word is, or -1. */
    int whole(char[] text, int from, int to) {
        if (raw) {
            return table.find(text, from, to);
        }
        byte[] bytes = new String(text, from, to - from).getBytes(StandardCharsets.UTF_8);
        char[] spelling = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            spelling[i] = ByteAlphabet.character(bytes[i] & 0xFF);
        }
        return table.find(spelling, 0, spelling.length);
    }
}

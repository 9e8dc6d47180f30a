package io.baton.common.text;

import static io.baton.common.text.VocabularyReader.invalid;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Locale;

/**
 * SentencePiece's byte-pair encoding by scores, as llama.cpp does it: the text's characters are
 * merged, best score first and leftmost among equals, as long as the merged text is a token; what
 * is no token becomes byte tokens.
 *
 * <p>Text is split into words where no merge can reach across: before a space after a character
 * that comes before no space inside any token. That changes no id and makes most pieces words that
 * can be remembered; a piece without such a place is one heap of O(n log n). A symbol is named by
 * the offset of its first UTF-16 unit.
 */
final class SentencePieceEncoder implements FragmentEncoder {
    private static final char SPACE = '\u2581';

    private final TokenTable table;

    /** Per token: descending score as ascending int. */
    private final int[] order;

    private final int[] byteTokens;
    private final boolean spacePrefix;
    private final WordCache cache = new WordCache();

    /** UTF-16 units that come right before a space inside some token. */
    private final BitSet beforeSpace = new BitSet(1 << 16);

    /** {@code MULTIPLIER^i}, for the hash of a slice. */
    private final long[] powers;

    /**
     * @param unknown token for bytes that the vocabulary lacks, or -1
     * @param spacePrefix whether a space is put before text that follows no text
     */
    SentencePieceEncoder(TokenTable table, float[] scores, int unknown, boolean spacePrefix) {
        this.table = table;
        this.spacePrefix = spacePrefix;
        order = new int[table.size()];
        for (int id = 0; id < order.length; id++) {
            // Adding zero makes one zero of the two.
            int bits = Float.floatToIntBits(scores[id] + 0.0f);
            order[id] = ~(bits ^ ((bits >> 31) & Integer.MAX_VALUE));
        }
        byteTokens = new int[256];
        for (int b = 0; b < 256; b++) {
            byteTokens[b] = byteToken(table, b, unknown);
        }
        for (int id = 0; id < table.size(); id++) {
            String spelling = table.spelling(id);
            for (int i = spelling.indexOf(SPACE, 1); i > 0; i = spelling.indexOf(SPACE, i + 1)) {
                beforeSpace.set(spelling.charAt(i - 1));
            }
        }
        powers = new long[table.maxLength() + 1];
        powers[0] = 1;
        for (int i = 1; i < powers.length; i++) {
            powers[i] = powers[i - 1] * TokenTable.MULTIPLIER;
        }
    }

    private static int byteToken(TokenTable table, int b, int unknown) {
        char[] name = String.format(Locale.ROOT, "<0x%02X>", b).toCharArray();
        int id = table.find(name, 0, name.length);
        if (id < 0 && b < 0x80) {
            id = table.find(new char[] {(char) b}, 0, 1);
        }
        if (id < 0 && unknown < 0) {
            throw invalid(
                    VocabularyReader.TOKENS,
                    "neither the byte token <0x%02X> nor an unknown token is there",
                    b);
        }
        return id < 0 ? unknown : id;
    }

    @Override
    public Session start(String text) {
        return (from, to, afterSpecial, out) ->
                encode(escape(text, from, to, spacePrefix && afterSpecial), out);
    }

    private static char[] escape(String text, int from, int to, boolean prefix) {
        int shift = prefix ? 1 : 0;
        char[] escaped = new char[to - from + shift];
        escaped[0] = SPACE;
        text.getChars(from, to, escaped, shift);
        for (int i = shift; i < escaped.length; i++) {
            if (escaped[i] == ' ') {
                escaped[i] = SPACE;
            }
        }
        return escaped;
    }

    private void encode(char[] text, TokenList out) {
        int from = 0;
        for (int to = 1; to <= text.length; to++) {
            boolean border =
                    to == text.length || (text[to] == SPACE && !beforeSpace.get(text[to - 1]));
            if (!border) {
                continue;
            }
            if (!cache.append(text, from, to, out)) {
                int start = out.size();
                merge(
                        from == 0 && to == text.length ? text : Arrays.copyOfRange(text, from, to),
                        out);
                cache.remember(text, from, to, out, start);
            }
            from = to;
        }
    }

    private void merge(char[] text, TokenList out) {
        Symbols symbols = new Symbols(text);
        LongHeap queue = new LongHeap(text.length);
        for (int left = 0; left < text.length; left = symbols.next[left]) {
            offer(symbols, left, queue);
        }
        while (!queue.isEmpty()) {
            long top = queue.pop();
            int left = (int) top;
            int pair = symbols.pair[left];
            // A pair with this order is this pair: another one would stand at the same place.
            if (pair >= 0 && order[pair] == (int) (top >> 32)) {
                symbols.merge(left);
                offer(symbols, left, queue);
                if (left > 0) {
                    offer(symbols, symbols.previous[left], queue);
                }
            }
        }
        for (int left = 0; left < text.length; left = symbols.next[left]) {
            emit(symbols, left, out);
        }
    }

    /** Looks up the token that a symbol makes with the next one, and queues the merge. */
    private void offer(Symbols symbols, int left, LongHeap queue) {
        int right = symbols.next[left];
        int id = -1;
        if (right < symbols.text.length) {
            int end = symbols.next[right];
            int length = end - left;
            if (length < powers.length) {
                long hash = symbols.prefix[end] - symbols.prefix[left] * powers[length];
                id = table.find(hash, symbols.text, left, end);
            }
        }
        symbols.pair[left] = id;
        if (id >= 0) {
            queue.push(((long) order[id] << 32) | left);
        }
    }

    private void emit(Symbols symbols, int left, TokenList out) {
        int id = symbols.token[left];
        int end = symbols.next[left];
        if (id < 0) {
            id = table.find(symbols.text, left, end);
        }
        if (id >= 0) {
            out.add(id);
            return;
        }
        byte[] bytes = new byte[4];
        int length = Utf8.encode(Character.codePointAt(symbols.text, left), bytes);
        for (int i = 0; i < length; i++) {
            out.add(byteTokens[bytes[i] & 0xFF]);
        }
    }

    /** The symbols of one text, as a list through arrays. */
    private static final class Symbols {
        final char[] text;
        final long[] prefix;
        final int[] next;
        final int[] previous;

        /** Token of a symbol and the next one together, or -1. */
        final int[] pair;

        /** Token of a merged symbol, or -1. */
        final int[] token;

        Symbols(char[] text) {
            this.text = text;
            prefix = new long[text.length + 1];
            next = new int[text.length];
            previous = new int[text.length];
            pair = new int[text.length];
            token = new int[text.length];
            Arrays.fill(pair, -1);
            Arrays.fill(token, -1);
            int before = 0;
            int at = 0;
            while (at < text.length) {
                int end = at + (Character.isHighSurrogate(text[at]) ? 2 : 1);
                next[at] = end;
                previous[at] = before;
                before = at;
                at = end;
            }
            for (int i = 0; i < text.length; i++) {
                prefix[i + 1] = prefix[i] * TokenTable.MULTIPLIER + text[i] + 1;
            }
        }

        /** Merges a symbol with the next one. */
        void merge(int left) {
            int right = next[left];
            int end = next[right];
            token[left] = pair[left];
            pair[right] = -1;
            next[left] = end;
            if (end < text.length) {
                previous[end] = left;
            }
        }
    }
}

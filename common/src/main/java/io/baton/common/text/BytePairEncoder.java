package io.baton.common.text;

import io.baton.common.text.PreTokenizer.Splitter;

/**
 * Byte-pair encoding of pre-split words by ranked merges. Symbols are ints: token ids, beyond them
 * spellings that merges make but the vocabulary lacks, and negative numbers for characters that no
 * merge knows (raw vocabularies only).
 *
 * <p>Words of up to {@link #SCANNED} symbols are merged by scanning for the best pair, longer ones
 * by a heap, so no word costs more than O(n log n).
 */
final class BytePairEncoder implements FragmentEncoder {
    static final int SCANNED = 32;

    private static final char SPACE = '\u2581';

    private final BytePairVocabulary vocabulary;
    private final PreTokenizer preTokenizer;
    private final WordCache cache = new WordCache();

    BytePairEncoder(BytePairVocabulary vocabulary, PreTokenizer preTokenizer) {
        this.vocabulary = vocabulary;
        this.preTokenizer = preTokenizer;
    }

    @Override
    public Session start(String text) {
        return new Run(preTokenizer.options().raw() ? text.replace(' ', SPACE) : text);
    }

    /** One text's work, with its buffers. */
    private final class Run implements Session, PreTokenizer.PieceSink {
        private final char[] text;
        private final Splitter splitter;
        private final byte[] utf8 = new byte[4];
        private int[] symbols = new int[SCANNED];
        private long[] merges = new long[SCANNED];
        private int count;
        private TokenList out = new TokenList(0);

        Run(String text) {
            this.text = text.toCharArray();
            this.splitter = preTokenizer.splitter(text, this);
        }

        @Override
        public void encode(int from, int to, boolean afterSpecial, TokenList out) {
            this.out = out;
            splitter.split(from, to);
        }

        @Override
        public void piece(int from, int to) {
            if (!cache.append(text, from, to, out)) {
                int start = out.size();
                encodeWord(from, to);
                cache.remember(text, from, to, out, start);
            }
        }

        private void encodeWord(int from, int to) {
            if (takenWhole(from, to)) {
                int id = vocabulary.whole(text, from, to);
                if (id >= 0) {
                    out.add(id);
                    return;
                }
            }
            read(from, to);
            if (count <= SCANNED) {
                scan();
            } else {
                new LongWord(vocabulary.merges(), symbols, count).merge(this::emit);
            }
        }

        private boolean takenWhole(int from, int to) {
            if (preTokenizer.options().ignoresMerges()) {
                return true;
            }
            if (!preTokenizer.options().lineFeedsWhole()) {
                return false;
            }
            // Gemma 4: runs of line feeds are tokens that no merge makes.
            for (int i = from; i < to; i++) {
                if (text[i] != '\n') {
                    return false;
                }
            }
            return true;
        }

        private void read(int from, int to) {
            int need = Math.multiplyExact(3, to - from);
            if (symbols.length < need) {
                symbols = new int[need];
            }
            boolean raw = preTokenizer.options().raw();
            count = 0;
            int at = from;
            while (at < to) {
                int codePoint = Character.codePointAt(text, at, to);
                at += Character.charCount(codePoint);
                if (raw) {
                    symbols[count++] = vocabulary.symbolOf(codePoint);
                } else {
                    int length = Utf8.encode(codePoint, utf8);
                    for (int i = 0; i < length; i++) {
                        symbols[count++] = vocabulary.symbolOfByte(utf8[i] & 0xFF);
                    }
                }
            }
        }

        private void scan() {
            PairTable table = vocabulary.merges();
            for (int i = 0; i + 1 < count; i++) {
                merges[i] = table.find(symbols[i], symbols[i + 1]);
            }
            while (count > 1) {
                int best = 0;
                for (int i = 1; i + 1 < count; i++) {
                    if (merges[i] < merges[best]) {
                        best = i;
                    }
                }
                if (merges[best] == PairTable.NONE) {
                    break;
                }
                symbols[best] = (int) merges[best];
                count--;
                System.arraycopy(symbols, best + 2, symbols, best + 1, count - best - 1);
                System.arraycopy(merges, best + 1, merges, best, count - best - 1);
                if (best > 0) {
                    merges[best - 1] = table.find(symbols[best - 1], symbols[best]);
                }
                if (best + 1 < count) {
                    merges[best] = table.find(symbols[best], symbols[best + 1]);
                }
            }
            for (int i = 0; i < count; i++) {
                emit(symbols[i]);
            }
        }

        private void emit(int symbol) {
            if (symbol >= 0 && symbol < vocabulary.tokens()) {
                out.add(symbol);
            } else {
                out.addAll(vocabulary.spelledOut(symbol));
            }
        }
    }
}

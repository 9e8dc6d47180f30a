package io.baton.common.text;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a byte-pair vocabulary's text is split into words before merging. Each stage splits the
 * pieces of the one before it: what a pattern matches becomes a piece, and so does what lies
 * between matches. Immutable.
 *
 * @param stages patterns, all from the fixed table of {@link PreTokenizers}
 * @param options what else the name implies
 */
record PreTokenizer(List<Pattern> stages, Options options) {
    /**
     * @param ignoresMerges a piece that is a token as a whole is taken without merging
     * @param addsBos BOS is added unless the file says otherwise
     * @param raw symbols are characters with spaces as U+2581, and bytes are spelled {@code
     *     <0xHH>}; otherwise symbols are bytes in GPT-2's spelling
     * @param lineFeedsWhole a piece of line feeds that is a token is taken without merging
     */
    record Options(boolean ignoresMerges, boolean addsBos, boolean raw, boolean lineFeedsWhole) {
        Options withIgnoresMerges(boolean ignores) {
            return new Options(ignores, addsBos, raw, lineFeedsWhole);
        }
    }

    /** The whole text as one piece, its characters as symbols. */
    static PreTokenizer wholeText() {
        return new PreTokenizer(List.of(), new Options(false, false, true, false));
    }

    PreTokenizer withIgnoresMerges(boolean ignores) {
        return new PreTokenizer(stages, options.withIgnoresMerges(ignores));
    }

    /** Hears each piece in order. */
    interface PieceSink {
        void piece(int from, int to);
    }

    PreTokenizer {
        stages = List.copyOf(stages);
    }

    /** A splitter for one text; owned by one thread. */
    Splitter splitter(CharSequence text, PieceSink sink) {
        Matcher[] matchers = new Matcher[stages.size()];
        for (int i = 0; i < matchers.length; i++) {
            // Bounds stay opaque and anchoring: a look-ahead must not see past its piece.
            matchers[i] = stages.get(i).matcher(text);
        }
        return new Splitter(matchers, sink);
    }

    /** Splits ranges of one text. */
    static final class Splitter {
        private final Matcher[] matchers;
        private final PieceSink sink;

        private Splitter(Matcher[] matchers, PieceSink sink) {
            this.matchers = matchers;
            this.sink = sink;
        }

        void split(int from, int to) {
            split(0, from, to);
        }

        private void split(int stage, int from, int to) {
            if (stage == matchers.length) {
                sink.piece(from, to);
                return;
            }
            Matcher matcher = matchers[stage].region(from, to);
            int done = from;
            while (matcher.find()) {
                int start = matcher.start();
                int end = matcher.end();
                if (start > done) {
                    split(stage + 1, done, start);
                }
                if (end > start) {
                    split(stage + 1, start, end);
                }
                done = end;
            }
            if (done < to) {
                split(stage + 1, done, to);
            }
        }
    }
}

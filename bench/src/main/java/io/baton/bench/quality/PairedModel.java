package io.baton.bench.quality;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.engine.Engine;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelWeights;
import io.baton.engine.Transformer;
import io.baton.kernels.Batch;
import io.baton.kernels.Kernels;
import io.baton.kernels.KvPages;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model with one exact sequence and, beside it, one for each way to code, whose prefix is the
 * exact one's, coded and decoded; the tokens after it are given, and each sequence computes its own
 * KV of them. One thread at a time.
 */
final class PairedModel implements AutoCloseable {
    private static final int CHUNK_TOKENS = 256;
    private static final int SCORED_ROWS = 32;

    private final Transformer transformer;
    private final List<Coding> codings;
    private final int prefix;
    private final int scored;
    private final int[][] blocks;

    /**
     * @param prefix tokens that are coded, a multiple of 16
     * @param scored tokens after them
     */
    PairedModel(
            ModelWeights weights, Kernels kernels, List<Coding> codings, int prefix, int scored) {
        if (prefix < CHUNK_TOKENS
                || prefix % EngineOptions.BLOCK_TOKENS != 0
                || scored < 2
                || prefix + scored > weights.config().contextLength()) {
            throw new IllegalArgumentException(
                    "prefix=%d, scored=%d: the prefix must be a multiple of %d from %d on, scored at least 2, and both within the model's context of %d"
                            .formatted(
                                    prefix,
                                    scored,
                                    EngineOptions.BLOCK_TOKENS,
                                    CHUNK_TOKENS,
                                    weights.config().contextLength()));
        }
        this.codings = codings;
        this.prefix = prefix;
        this.scored = scored;
        int each = Math.ceilDiv(prefix + scored, EngineOptions.BLOCK_TOKENS);
        blocks = new int[1 + codings.size()][];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = IntStream.range(i * each, (i + 1) * each).toArray();
        }
        transformer =
                Transformer.of(
                        new EngineOptions(
                                "quality",
                                each * blocks.length,
                                KvDtype.BF16,
                                prefix + scored,
                                CHUNK_TOKENS,
                                SCORED_ROWS,
                                1,
                                CHUNK_TOKENS),
                        weights,
                        kernels);
    }

    /** Runs a text of {@code prefix + scored} tokens. */
    void run(int[] text, List<Harm> harms) {
        for (int from = 0; from < prefix; from += CHUNK_TOKENS) {
            step(0, text, from, Math.min(prefix, from + CHUNK_TOKENS), false);
        }
        for (int i = 0; i < codings.size(); i++) {
            code(i, harms.get(i));
        }
        // The last token is predicted only.
        int last = prefix + scored - 1;
        for (int from = prefix; from < last; from += SCORED_ROWS) {
            int to = Math.min(last, from + SCORED_ROWS);
            float[][] logits = new float[blocks.length][];
            for (int i = 0; i < blocks.length; i++) {
                logits[i] = step(i, text, from, to, true);
            }
            score(text, from, to, logits, harms);
        }
    }

    private float[] step(int sequence, int[] text, int from, int to, boolean wanted) {
        Batch batch =
                new Batch(
                        Arrays.copyOfRange(text, from, to),
                        new Batch.Span[] {new Batch.Span(0, to - from, from, blocks[sequence])});
        int[] rows = IntStream.range(0, wanted ? to - from : 0).toArray();
        return transformer
                .step(new Engine.StepPlan(batch, rows), Engine.LayerListener.NONE)
                .orElseThrow()
                .toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Codes the exact sequence's prefix, chunk by chunk and layer by layer, for another one. */
    private void code(int index, Harm harm) {
        KvPages pages = transformer.pages();
        KvLayout layout = pages.layout();
        int chunk = CHUNK_TOKENS / layout.blockTokens();
        int[] target = blocks[1 + index];
        IntStream.range(0, layout.layers())
                .parallel()
                .forEach(
                        layer -> {
                            int all = prefix / layout.blockTokens();
                            for (int block = 0; block < all; block += chunk) {
                                int count = Math.min(chunk, all - block);
                                PartShape part =
                                        new PartShape(
                                                layout,
                                                layer,
                                                1,
                                                block * layout.blockTokens(),
                                                count);
                                codePart(codings.get(index), part, target[block], harm);
                            }
                        });
    }

    private void codePart(Coding coding, PartShape part, int targetBlock, Harm harm) {
        KvPages pages = transformer.pages();
        int firstBlock = part.firstToken() / part.layout().blockTokens();
        try (Arena arena = Arena.ofConfined()) {
            long bytes = Math.max(1, coding.codec().scratchBytes(part));
            MemorySegment raw = arena.allocate(part.rawBytes(), 64);
            pages.buffer().read(pages.offset(part.firstLayer(), firstBlock), raw);
            MemorySegment coded =
                    coding.codec().encode(part, coding.setting(), raw, arena.allocate(bytes, 64));
            MemorySegment back =
                    coding.codec().decode(part, coding.setting(), coded, arena.allocate(bytes, 64));
            pages.buffer().write(pages.offset(part.firstLayer(), targetBlock), back);
            harm.coded(raw.byteSize(), coded.byteSize());
        }
    }

    private void score(int[] text, int from, int to, float[][] logits, List<Harm> harms) {
        int vocab = transformer.config().vocab();
        IntStream.range(0, to - from)
                .parallel()
                .forEach(
                        row -> {
                            Distribution exact = new Distribution(logits[0], row * vocab, vocab);
                            int next = text[from + row + 1];
                            for (int i = 0; i < harms.size(); i++) {
                                Distribution other =
                                        new Distribution(logits[1 + i], row * vocab, vocab);
                                harms.get(i)
                                        .scored(
                                                -exact.log(next),
                                                -other.log(next),
                                                exact.divergence(other),
                                                exact.log(exact.first())
                                                        - exact.log(other.first()));
                            }
                        });
    }

    /** One row of logits as a distribution. */
    private static final class Distribution {
        private final float[] logits;
        private final int at;
        private final int count;
        private final int first;
        private final double logSum;

        Distribution(float[] logits, int at, int count) {
            this.logits = logits;
            this.at = at;
            this.count = count;
            int best = 0;
            for (int i = 1; i < count; i++) {
                best = logits[at + i] > logits[at + best] ? i : best;
            }
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += Math.exp(logits[at + i] - logits[at + best]);
            }
            first = best;
            logSum = logits[at + best] + Math.log(sum);
        }

        int first() {
            return first;
        }

        double log(int token) {
            return logits[at + token] - logSum;
        }

        /** KL(this, other). */
        double divergence(Distribution other) {
            double sum = 0;
            for (int i = 0; i < count; i++) {
                double own = log(i);
                sum += Math.exp(own) * (own - other.log(i));
            }
            return sum;
        }
    }

    @Override
    public void close() {
        transformer.close();
    }
}

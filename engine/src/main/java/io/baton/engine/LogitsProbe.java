package io.baton.engine;

import io.baton.common.kv.KvDtype;
import io.baton.kernels.Batch;
import io.baton.kernels.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/**
 * Gives the logits of every position of a text: for oracles, perplexity and divergence. A
 * transformer with a pool for one sequence and no loop. One thread at a time.
 */
public final class LogitsProbe implements AutoCloseable {
    private static final int ROWS = 32;

    private final Transformer transformer;
    private final int[] blocks;
    private final int maxTokens;

    /** Hears one row of logits. */
    @FunctionalInterface
    public interface RowConsumer {
        /**
         * @param position of the token that the logits follow
         * @param logits float32 {@code [vocab]}, valid during the call
         */
        void accept(int position, MemorySegment logits);
    }

    /**
     * @param kvDtype format in which KV is kept between positions
     * @param maxTokens of the longest text
     */
    public LogitsProbe(ModelWeights weights, Kernels kernels, KvDtype kvDtype, int maxTokens) {
        this.maxTokens = maxTokens;
        int count = Math.ceilDiv(maxTokens, EngineOptions.BLOCK_TOKENS);
        blocks = IntStream.range(0, count).toArray();
        transformer =
                Transformer.of(
                        new EngineOptions("probe", count, kvDtype, maxTokens, ROWS, ROWS, 1, 256),
                        weights,
                        kernels);
    }

    /** Runs the text and gives the logits after each of its tokens, in order. */
    public void run(int[] tokens, RowConsumer consumer) {
        if (tokens.length > maxTokens) {
            throw new IllegalArgumentException(
                    "%d tokens, the probe takes %d".formatted(tokens.length, maxTokens));
        }
        long rowBytes = 4L * transformer.config().vocab();
        for (int from = 0; from < tokens.length; from += ROWS) {
            int rows = Math.min(ROWS, tokens.length - from);
            Batch batch =
                    new Batch(
                            java.util.Arrays.copyOfRange(tokens, from, from + rows),
                            new Batch.Span[] {new Batch.Span(0, rows, from, blocks)});
            MemorySegment logits =
                    transformer
                            .step(
                                    new Engine.StepPlan(batch, IntStream.range(0, rows).toArray()),
                                    Engine.LayerListener.NONE)
                            .orElseThrow();
            for (int i = 0; i < rows; i++) {
                consumer.accept(from + i, logits.asSlice(i * rowBytes, rowBytes));
            }
        }
    }

    @Override
    public void close() {
        transformer.close();
    }
}

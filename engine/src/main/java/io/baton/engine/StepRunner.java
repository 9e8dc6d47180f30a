package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.engine.Engine.LayerListener;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.kernels.Batch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Turns a plan into a forward pass and its logits into tokens. Owned by the engine's thread. */
final class StepRunner {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

    private final Engine engine;
    private final Sampler sampler;
    private final float[] logits;

    StepRunner(Engine engine, Sampler sampler) {
        this.engine = engine;
        this.sampler = sampler;
        this.logits = new float[engine.config().vocab()];
    }

    /**
     * A sequence's next token; null if its logits were not finite, so that no token can be chosen.
     */
    record Sampled(Sequence sequence, @Nullable TokenOutput token) {}

    /**
     * Runs the forward pass.
     *
     * @param stop asked between layers: whether all is to be dropped
     * @param onListenerFailure told of a listener that threw
     * @return logits of the spans that sample, in order; empty if the step was abandoned
     */
    Optional<MemorySegment> forward(
            Plan plan,
            BooleanSupplier stop,
            BiConsumer<Sequence, RuntimeException> onListenerFailure) {
        engine.zeroBlocks(plan.newBlocks());
        List<Span> spans = plan.spans();
        Batch.Span[] batchSpans = new Batch.Span[spans.size()];
        int rows = 0;
        for (Span span : spans) {
            rows += span.rows();
        }
        int[] tokens = new int[rows];
        int[] logitRows = new int[(int) spans.stream().filter(Span::samples).count()];
        int row = 0;
        int wanted = 0;
        for (int i = 0; i < batchSpans.length; i++) {
            Span span = spans.get(i);
            Sequence sequence = span.sequence();
            System.arraycopy(sequence.tokenArray(), span.from(), tokens, row, span.rows());
            batchSpans[i] = new Batch.Span(row, span.rows(), span.from(), sequence.blocks());
            row += span.rows();
            if (span.samples()) {
                logitRows[wanted++] = row - 1;
            }
        }
        return engine.step(
                new Engine.StepPlan(new Batch(tokens, batchSpans), logitRows),
                layerListener(spans, stop, onListenerFailure));
    }

    /**
     * Steps of decode rows alone run as one submission. Where there is prefill, whoever sends KV
     * hears each layer, and a step that nobody waits for any more ends.
     */
    private static LayerListener layerListener(
            List<Span> spans,
            BooleanSupplier stop,
            BiConsumer<Sequence, RuntimeException> onListenerFailure) {
        if (spans.stream().noneMatch(span -> span.rows() > 1 || announces(span))) {
            return LayerListener.NONE;
        }
        return layer -> {
            boolean wanted = false;
            for (Span span : spans) {
                Sequence sequence = span.sequence();
                SequenceListener listener = sequence.listener;
                if (!sequence.cancelled && listener != null) {
                    wanted = true;
                    try {
                        announce(listener, layer, span);
                    } catch (RuntimeException e) {
                        onListenerFailure.accept(sequence, e);
                    }
                }
            }
            return wanted && !stop.getAsBoolean();
        };
    }

    private static void announce(SequenceListener listener, int layer, Span span) {
        if (announces(span)) {
            Sequence sequence = span.sequence();
            listener.onLayer(
                    layer,
                    Math.max(span.from(), sequence.announced),
                    Math.min(span.to(), sequence.known));
        }
    }

    /** Whether the span computes known tokens that the listener has not heard of. */
    private static boolean announces(Span span) {
        return span.from() < span.sequence().known && span.to() > span.sequence().announced;
    }

    /** Chooses the tokens of a forward pass, in the order of the spans. */
    List<Sampled> sample(Plan plan, MemorySegment rows) {
        List<Sampled> sampled = new ArrayList<>();
        long rowBytes = (long) logits.length * Float.BYTES;
        long offset = 0;
        for (Span span : plan.spans()) {
            if (span.samples()) {
                if (!span.sequence().cancelled) {
                    sampled.add(
                            new Sampled(
                                    span.sequence(),
                                    choose(span.sequence(), rows.asSlice(offset, rowBytes))));
                }
                offset += rowBytes;
            }
        }
        return sampled;
    }

    private @Nullable TokenOutput choose(Sequence sequence, MemorySegment row) {
        MemorySegment.copy(row, FLOAT, 0, logits, 0, logits.length);
        if (!Sampler.isFinite(logits, logits.length)) {
            return null;
        }
        SamplingParams params = sequence.spec.sampling();
        Sampler.History history =
                new Sampler.History(
                        sequence.tokenArray(), sequence.spec.prompt().length, sequence.size());
        return sampler.choose(
                logits, params, history, sequence.spec.debugLogits() ? sha256(row) : null);
    }

    private static String sha256(MemorySegment row) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(row.asByteBuffer());
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}

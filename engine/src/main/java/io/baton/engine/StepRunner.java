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
     * Tokens of a sequence's prompt with their log probabilities; none if logits were not finite.
     */
    record Scored(Sequence sequence, List<TokenOutput> tokens) {}

    /** What a forward pass gave. */
    record Outcome(List<Scored> scored, List<Sampled> sampled) {
        static final Outcome NOTHING = new Outcome(List.of(), List.of());
    }

    /**
     * Runs the forward pass.
     *
     * @param stop asked between layers: whether all is to be dropped
     * @param onListenerFailure told of a listener that threw
     * @return logits of the spans that score or sample, in order; empty if the step was abandoned
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
        int[] logitRows = new int[spans.stream().mapToInt(Span::logitRows).sum()];
        int row = 0;
        int wanted = 0;
        for (int i = 0; i < batchSpans.length; i++) {
            Span span = spans.get(i);
            Sequence sequence = span.sequence();
            System.arraycopy(sequence.tokenArray(), span.from(), tokens, row, span.rows());
            batchSpans[i] = new Batch.Span(row, span.rows(), span.from(), sequence.blocks());
            for (int k = 0; k < span.scored(); k++) {
                logitRows[wanted++] = row + k;
            }
            row += span.rows();
            if (span.logitRows() > span.scored()) {
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

    /** What a forward pass gave, in the order of the spans. */
    Outcome sample(Plan plan, MemorySegment rows) {
        List<Scored> scored = new ArrayList<>();
        List<Sampled> sampled = new ArrayList<>();
        long rowBytes = (long) logits.length * Float.BYTES;
        long offset = 0;
        for (Span span : plan.spans()) {
            Sequence sequence = span.sequence();
            MemorySegment own = rows.asSlice(offset, span.logitRows() * rowBytes);
            offset += own.byteSize();
            if (sequence.cancelled) {
                continue;
            }
            if (span.scored() > 0) {
                scored.add(new Scored(sequence, score(span, own)));
            }
            if (span.samples()) {
                MemorySegment last = own.asSlice(own.byteSize() - rowBytes, rowBytes);
                sampled.add(new Sampled(sequence, choose(sequence, last)));
            }
        }
        return new Outcome(scored, sampled);
    }

    /** The prompt's tokens after a span's rows; empty if logits were not finite. */
    private List<TokenOutput> score(Span span, MemorySegment rows) {
        Sequence sequence = span.sequence();
        int tops = sequence.spec.sampling().promptLogprobs();
        List<TokenOutput> tokens = new ArrayList<>(span.scored());
        for (int i = 0; i < span.scored(); i++) {
            long at = (long) i * logits.length * Float.BYTES;
            MemorySegment.copy(rows, FLOAT, at, logits, 0, logits.length);
            if (!Sampler.isFinite(logits, logits.length)) {
                return List.of();
            }
            int index = span.from() + i + 1;
            tokens.add(sampler.score(logits, index, sequence.tokenArray()[index], tops));
        }
        return tokens;
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

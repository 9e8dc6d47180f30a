package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.TokenConstraint;
import io.baton.common.grammar.TokenMask;
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
     * A sequence's next token.
     *
     * @param token null if none can be chosen: its logits were not finite, or its constraint
     *     refused what was chosen elsewhere ({@link Sequence#refused})
     * @param guessed whether the token was guessed, so that its KV was computed in the same step
     */
    record Sampled(Sequence sequence, @Nullable TokenOutput token, boolean guessed) {}

    /**
     * Tokens of a sequence's prompt with their log probabilities; none if logits were not finite.
     */
    record Scored(Sequence sequence, List<TokenOutput> tokens) {}

    /**
     * What a forward pass gave.
     *
     * @param sampled in the order of the sequences; of one sequence all that were guessed right,
     *     then one more
     */
    record Outcome(List<Scored> scored, List<Sampled> sampled) {
        static final Outcome NOTHING = new Outcome(List.of(), List.of());
    }

    /** Empties blocks before they are given to a sequence. */
    void zero(int[] blocks) {
        engine.zeroBlocks(blocks);
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
            int first = span.drafted() > 0 ? span.rows() : span.scored();
            for (int k = 0; k < first; k++) {
                logitRows[wanted++] = row + k;
            }
            row += span.rows();
            if (span.logitRows() > first) {
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
        if (spans.stream().noneMatch(span -> span.isPrefill() || announces(span))) {
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
                long first = own.byteSize() - rowBytes * (span.drafted() + 1L);
                verify(span, own.asSlice(first), sampled);
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

    /**
     * Chooses tokens one after the other, each from the logits after the tokens before it, for as
     * long as what is chosen is what was guessed: the next row's logits then follow the right
     * tokens. A choice depends on logits and tokens before it alone, so what comes out is what
     * would come out one by one.
     *
     * @param rows logits of the last certain token, then of each guess
     */
    private void verify(Span span, MemorySegment rows, List<Sampled> sampled) {
        Sequence sequence = span.sequence();
        long rowBytes = (long) logits.length * Float.BYTES;
        int right = 0;
        while (true) {
            int size = sequence.size() + right;
            TokenOutput token = choose(sequence, size, rows.asSlice(right * rowBytes, rowBytes));
            boolean guessed =
                    token != null
                            && right < span.drafted()
                            && token.token() == sequence.tokenArray()[size];
            sampled.add(new Sampled(sequence, token, guessed));
            if (!guessed) {
                break;
            }
            right++;
        }
        PromptLookup lookup = sequence.lookup;
        if (lookup != null && span.drafted() > 0) {
            lookup.learn(span.drafted(), right);
        }
    }

    /**
     * The sequence's next token when it has {@code size} tokens, of which those beyond its own were
     * guessed and found right.
     */
    private @Nullable TokenOutput choose(Sequence sequence, int size, MemorySegment row) {
        MemorySegment.copy(row, FLOAT, 0, logits, 0, logits.length);
        if (!Sampler.isFinite(logits, logits.length)) {
            return null;
        }
        SamplingParams params = sequence.spec.sampling();
        Sampler.History history =
                new Sampler.History(sequence.tokenArray(), sequence.spec.prompt().length, size);
        try {
            return sampler.choose(
                    logits,
                    params,
                    history,
                    mask(sequence, history),
                    sequence.spec.debugLogits() ? sha256(row) : null);
        } catch (BatonException e) {
            sequence.refused = e;
            return null;
        }
    }

    private static @Nullable TokenMask mask(Sequence sequence, Sampler.History history) {
        TokenConstraint constraint = sequence.constraint;
        return constraint == null
                ? null
                : constraint.mask(history.tokens(), history.promptTokens(), history.size());
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

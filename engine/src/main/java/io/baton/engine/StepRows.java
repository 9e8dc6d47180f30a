package io.baton.engine;

import io.baton.engine.Scheduler.Limits;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.StepCosts.Work;
import java.util.ArrayList;
import java.util.List;

/**
 * How many rows each sequence gets in a step.
 *
 * <p>Every sequence with one token left has its row. Behind it go guesses of the tokens that
 * follow, as far as rows, logits and free blocks reach. What remains goes to prefill in the order
 * of {@link Line}, in spans that end at chunk borders; but beside sequences that generate only so
 * much that the step is expected to take {@code decodeStretch} times what it takes without prefill.
 * A prompt beside streams therefore takes about {@code decodeStretch / (decodeStretch - 1)} times
 * as long as alone, and {@value #LEAST_ROWS} row a step goes to prefill whatever the costs say.
 *
 * <p>The scheduler's own; not safe for several threads.
 */
final class StepRows {
    static final int LEAST_ROWS = 1;

    private final Limits limits;
    private final double decodeStretch;
    private final StepCosts costs;
    private final Line line;
    private final SequenceBlocks blocks;

    StepRows(
            Limits limits,
            double decodeStretch,
            StepCosts costs,
            Line line,
            SequenceBlocks blocks) {
        this.limits = limits;
        this.decodeStretch = decodeStretch;
        this.costs = costs;
        this.line = line;
        this.blocks = blocks;
    }

    /**
     * Puts guesses behind the rows of sequences that generate.
     *
     * @param spans one row each
     */
    void addDrafts(List<Span> spans, List<Integer> newBlocks) {
        int rowsLeft = limits.maxStepTokens() - spans.size();
        // A step has one row of logits for each sequence it may serve.
        int spareLogits = limits.maxSequences() - line.running().size();
        for (int i = 0; i < spans.size(); i++) {
            Span span = spans.get(i);
            int drafted = draft(span.sequence(), Math.min(rowsLeft, spareLogits), newBlocks);
            line.give(span.sequence(), 1 + drafted, false);
            rowsLeft -= drafted;
            spareLogits -= drafted;
            if (drafted > 0) {
                spans.set(i, new Span(span.sequence(), span.from(), 1 + drafted, true, 0, drafted));
            }
        }
    }

    private int draft(Sequence sequence, int most, List<Integer> newBlocks) {
        PromptLookup lookup = sequence.lookup;
        if (lookup == null) {
            return 0;
        }
        // Right guesses are followed by one more token.
        int left = sequence.spec.sampling().maxTokens() - sequence.generated() - 1;
        int length = limits.maxLength() - sequence.size() - 1;
        int[] guesses =
                lookup.guess(
                        sequence.tokenArray(),
                        sequence.size(),
                        Math.min(most, Math.min(left, length)));
        if (guesses.length == 0) {
            return 0;
        }
        int room =
                blocks.grow(
                        sequence,
                        sequence.size() + guesses.length,
                        line.running().size(),
                        newBlocks);
        int drafted = Math.min(guesses.length, room - sequence.size());
        sequence.draft(guesses);
        return drafted;
    }

    /** Gives the rows that remain to prefill. */
    void addPrefill(List<Span> spans) {
        int rowsLeft = limits.maxStepTokens();
        for (Span span : spans) {
            rowsLeft -= span.rows();
        }
        double limit =
                spans.isEmpty()
                        ? Double.POSITIVE_INFINITY
                        : (decodeStretch - 1) * costs.generating(Work.of(spans));
        Work work = Work.NONE;
        int least = LEAST_ROWS;
        // What the running ones leave goes to those that report their prompt.
        int spareLogits = limits.maxSequences() - line.running().size();
        for (Span span : spans) {
            spareLogits -= span.drafted();
        }
        List<Sequence> candidates = new ArrayList<>(line.prefilling());
        candidates.removeIf(sequence -> sequence.inStep);
        while (rowsLeft > 0) {
            Sequence sequence = line.nextForRows(candidates);
            if (sequence == null) {
                return;
            }
            candidates.remove(sequence);
            int affordable = costs.rowsWithin(limit, work, sequence.computed, rowsLeft);
            int rows = Math.min(rowsLeft, Math.max(least, affordable));
            if (rows == 0) {
                return;
            }
            Span span = prefill(sequence, rows, spareLogits);
            spans.add(span);
            line.give(sequence, span.rows(), true);
            work = work.plus(span.from(), span.rows());
            rowsLeft -= span.rows();
            least = Math.max(0, least - span.rows());
            spareLogits -= span.scored() > 0 ? span.rows() - 1 : 0;
        }
    }

    private Span prefill(Sequence sequence, int rows, int spareLogits) {
        int from = sequence.computed;
        int border = (from / limits.chunkTokens() + 1) * limits.chunkTokens();
        int to = Math.min(Math.min(sequence.size(), border), from + rows);
        int scored = 0;
        if (sequence.scores()) {
            to = Math.min(to, from + 1 + spareLogits);
            scored = Math.max(0, Math.min(to, sequence.spec.prompt().length - 1) - from);
        }
        return new Span(sequence, from, to - from, to == sequence.size(), scored);
    }
}

package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.ChunkKey;
import io.baton.engine.Sequence.Phase;
import io.baton.engine.StepCosts.Work;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Decides what the next step computes: continuous batching with chunked prefill. A pure state
 * machine without clock, kernels or threads; the engine loop's lock guards it.
 *
 * <p>Per step: waiting sequences are admitted and rows are given in the order of {@link Line}; how
 * many rows each gets says {@link StepRows}.
 *
 * <p>When a sequence needs a block and there is none, the least urgent generating sequence, and
 * among equals the newest, is preempted: it loses its blocks, goes back to its place in line, and
 * is later recomputed from prompt and generated tokens. That is exact, because KV depends on the
 * tokens alone (E0), and cheap when its published blocks are still cached, or were parked
 * elsewhere. Sequences that only prefill never grow and are never preempted, because others read
 * their blocks.
 */
final class Scheduler {
    /**
     * @param maxStepTokens rows of a step
     * @param maxSequences sequences running at once
     * @param maxReservations sequences known at once
     * @param maxLength tokens of a sequence, prompt and answer
     * @param chunkTokens spans do not cross multiples of it
     * @param blockTokens tokens per block
     */
    record Limits(
            int maxStepTokens,
            int maxSequences,
            int maxReservations,
            int maxLength,
            int chunkTokens,
            int blockTokens) {}

    /**
     * Rows of one sequence in a step: tokens {@code [from, from + rows)}.
     *
     * @param samples whether the last row's logits choose the next token
     * @param scored rows, from the first, whose logits report the prompt's token after them
     * @param drafted rows, at the end, of guessed tokens; every row's logits are then wanted, as
     *     the row before a guess tells whether it is right
     */
    record Span(Sequence sequence, int from, int rows, boolean samples, int scored, int drafted) {
        Span(Sequence sequence, int from, int rows, boolean samples, int scored) {
            this(sequence, from, rows, samples, scored, 0);
        }

        int to() {
            return from + rows;
        }

        /** Whether it computes more than the one token that a sequence's next one waits for. */
        boolean isPrefill() {
            return rows - drafted > 1;
        }

        /** End of the rows that are known to be the sequence's tokens. */
        int certain() {
            return to() - drafted;
        }

        /** Rows of logits: the scored ones, and the last where it samples. */
        int logitRows() {
            if (drafted > 0) {
                return rows;
            }
            return samples && scored < rows ? scored + 1 : scored;
        }
    }

    /**
     * A preempted sequence whose blocks are to be copied out before they are given up.
     *
     * @param keys of its full blocks
     */
    record Leaving(Sequence sequence, List<ChunkKey> keys) {}

    /**
     * A sequence that was preempted and has blocks again.
     *
     * @param keys of the blocks that may be brought back
     * @param from the first of them that was not found in the pool
     */
    record Returning(Sequence sequence, List<ChunkKey> keys, int from) {}

    /**
     * What to do, in this order.
     *
     * @param leaving sequences to be parked; each must be {@link #parked} before the step
     * @param newBlocks blocks to be zeroed before the step
     * @param returning sequences to be brought back; each must be {@link #restored} before the step
     * @param spans of the step, in row order
     */
    record Plan(
            List<Leaving> leaving, int[] newBlocks, List<Returning> returning, List<Span> spans) {
        static final Plan NOTHING = new Plan(List.of(), new int[0], List.of(), List.of());

        boolean isEmpty() {
            return leaving.isEmpty() && returning.isEmpty() && spans.isEmpty();
        }
    }

    private final KvPool pool;
    private final Limits limits;
    private final boolean parks;
    private final int draftTokens;
    private final SequenceBlocks blocks;
    private final StepCosts costs = new StepCosts();
    private final StepRows rows;
    private final Line line;
    private int reservations;
    private long preemptions;

    Scheduler(KvPool pool, Limits limits) {
        this(pool, limits, EngineOptions.Policy.usual(), false);
    }

    /**
     * @param parks whether preempted sequences' blocks are copied out before they are given up
     */
    Scheduler(KvPool pool, Limits limits, EngineOptions.Policy policy, boolean parks) {
        this.pool = pool;
        this.limits = limits;
        this.parks = parks;
        this.draftTokens = policy.draftTokens();
        this.blocks = new SequenceBlocks(pool, limits);
        this.line = new Line(policy.patienceTokens());
        this.rows = new StepRows(limits, policy.decodeStretch(), costs, line, blocks);
    }

    /**
     * Gives a new sequence blocks for its known tokens.
     *
     * @return the blocks to be zeroed
     */
    int[] reserve(Sequence sequence) {
        if (sequence.known >= limits.maxLength()) {
            throw new BatonException(
                    ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                    "The prompt has %d tokens; this model takes %d with the answer. Shorten the prompt, or raise --max-model-len or --kv-pool if they set the limit."
                            .formatted(sequence.known, limits.maxLength()));
        }
        if (reservations >= limits.maxReservations()) {
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "%d sequences are open, the most this engine takes. Try again later."
                            .formatted(reservations));
        }
        int[] newBlocks = blocks.reserve(sequence, preemptedNeed());
        reservations++;
        return newBlocks;
    }

    /** Puts a reserved sequence in line. */
    void enqueue(Sequence sequence, boolean generates) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.generates = generates;
        if (generates && draftTokens > 0 && sequence.terms().speculate()) {
            sequence.lookup = new PromptLookup(draftTokens);
        }
        line.join(sequence);
    }

    /** The first tokens' KV was written by someone else: it is computed no more, and findable. */
    void keep(Sequence sequence, int tokens) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.computed = tokens;
        sequence.announced = tokens;
        blocks.publish(sequence);
    }

    /**
     * Room for the token after the known ones, which steps that prefill do not make.
     *
     * @return blocks to be zeroed
     * @throws BatonException KV_POOL_EXHAUSTED if there is none
     */
    int[] makeRoomForNext(Sequence sequence) {
        requirePhase(sequence, Phase.RESERVED);
        List<Integer> fresh = new ArrayList<>();
        if (blocks.grow(sequence, sequence.size() + 1, 0, fresh) <= sequence.size()) {
            throw new BatonException(
                    ErrorCode.KV_POOL_EXHAUSTED,
                    "%s: no block is free for its next token".formatted(sequence.spec.id()));
        }
        return fresh.stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * As {@link #enqueue}, for a sequence whose next token is known and of whose known tokens the
     * first {@code filled} have KV.
     */
    void enqueueFilled(Sequence sequence, int filled, int next) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.computed = filled;
        sequence.announced = filled;
        blocks.publish(sequence);
        sequence.append(next);
        enqueue(sequence, true);
    }

    /** Chooses the next step. Its sequences are in it until {@link #complete}. */
    Plan plan() {
        line.beginPlan();
        List<Integer> newBlocks = new ArrayList<>();
        List<Leaving> leaving = new ArrayList<>();
        List<Returning> returning = new ArrayList<>();
        List<Span> spans = new ArrayList<>();
        admit(newBlocks, returning);
        for (Sequence sequence : line.decoding()) {
            // A victim comes after whoever needs its room, so it has no rows in this plan.
            if (sequence.phase == Phase.RUNNING
                    && !sequence.inStep
                    && makeRoom(sequence, newBlocks, leaving, returning)) {
                spans.add(new Span(sequence, sequence.computed, 1, true, 0));
            }
        }
        rows.addDrafts(spans, newBlocks);
        rows.addPrefill(spans);
        for (Span span : spans) {
            span.sequence().inStep = true;
        }
        return new Plan(
                leaving,
                newBlocks.stream().mapToInt(Integer::intValue).toArray(),
                returning,
                spans);
    }

    private void admit(List<Integer> newBlocks, List<Returning> returning) {
        Set<Sequence> passed = new HashSet<>();
        while (line.running().size() < limits.maxSequences()) {
            Sequence sequence = line.nextForPlace(passed);
            if (sequence == null) {
                return;
            }
            boolean preempted = sequence.blocks().length == 0;
            // Running sequences may each need a block soon; alone, it may have all.
            if (sequence.inStep
                    || (preempted
                            && !blocks.takeAgain(sequence, line.running().size(), newBlocks))) {
                // One that waits for blocks does not hold up those behind it: they have theirs,
                // and only by running do they give them back.
                passed.add(sequence);
                continue;
            }
            line.start(sequence);
            blocks.activate(sequence);
            List<ChunkKey> keys = blocks.reusableKeys(sequence);
            if (preempted && parks && sequence.publishedBlocks < keys.size()) {
                sequence.inStep = true;
                returning.add(new Returning(sequence, keys, sequence.publishedBlocks));
            }
        }
    }

    /** Makes room for the last token. Returns false if the sequence gets no row in this step. */
    private boolean makeRoom(
            Sequence sequence,
            List<Integer> newBlocks,
            List<Leaving> leaving,
            List<Returning> returning) {
        while (blocks.grow(sequence, sequence.size(), 0, newBlocks) < sequence.size()) {
            if (!leaving.isEmpty()) {
                // There is room when that one's blocks are copied out.
                return false;
            }
            Sequence victim = line.victim();
            if (returning.removeIf(one -> one.sequence() == victim)) {
                victim.inStep = false;
            }
            preempt(victim, newBlocks, leaving);
            if (victim == sequence) {
                return false;
            }
        }
        return true;
    }

    private void preempt(Sequence victim, List<Integer> newBlocks, List<Leaving> leaving) {
        preemptions++;
        line.giveWay(victim);
        if (parks && victim.publishedBlocks > 0 && !hasAnyOf(victim, newBlocks)) {
            victim.inStep = true;
            leaving.add(new Leaving(victim, victim.keysUpTo(victim.publishedBlocks)));
            return;
        }
        // A block it got in this very plan need not be zeroed for it any more; whoever gets it next
        // lists it again.
        for (int block : blocks.drop(victim)) {
            newBlocks.remove(Integer.valueOf(block));
        }
    }

    /** Whether a sequence came back in this very plan: then there is nothing new to park. */
    private static boolean hasAnyOf(Sequence sequence, List<Integer> newBlocks) {
        for (int block : sequence.blocks()) {
            if (newBlocks.contains(block)) {
                return true;
            }
        }
        return false;
    }

    /** A preempted sequence's blocks are copied out, or never will be: it gives them up. */
    void parked(Sequence sequence) {
        sequence.inStep = false;
        blocks.drop(sequence);
        if (sequence.releaseAfterStep) {
            release(sequence);
        }
    }

    /**
     * So many of a sequence's blocks have been brought back.
     *
     * @param count from the first that was not found in the pool
     */
    void restored(Returning returning, int count) {
        Sequence sequence = returning.sequence();
        sequence.inStep = false;
        if (sequence.phase == Phase.RUNNING && count > 0) {
            sequence.computed = (returning.from() + count) * limits.blockTokens();
            blocks.publish(sequence);
        }
        if (sequence.releaseAfterStep) {
            release(sequence);
        }
    }

    /**
     * Books a step as computed, or as failed.
     *
     * @param done whether the KV of its rows is in the pool
     */
    void complete(Plan plan, boolean done) {
        for (Span span : plan.spans()) {
            Sequence sequence = span.sequence();
            sequence.inStep = false;
            if (done && sequence.phase == Phase.RUNNING) {
                sequence.computed = span.certain();
                sequence.announced =
                        Math.max(sequence.announced, Math.min(span.to(), sequence.known));
                blocks.publish(sequence);
            }
            if (sequence.releaseAfterStep) {
                release(sequence);
            }
        }
    }

    /** What a completed step took: it teaches how much fits into the next ones. */
    void took(Plan plan, long nanos) {
        List<Span> generating = new ArrayList<>(plan.spans());
        List<Span> prefill = new ArrayList<>(plan.spans());
        generating.removeIf(Span::isPrefill);
        prefill.removeIf(span -> !span.isPrefill());
        costs.observe(Work.of(generating), Work.of(prefill), nanos);
    }

    /**
     * A token was chosen.
     *
     * @param guessed whether it was guessed, and its KV is in the pool already
     */
    void append(Sequence sequence, int token, boolean guessed) {
        sequence.append(token);
        if (guessed && sequence.phase == Phase.RUNNING) {
            sequence.computed++;
            blocks.publish(sequence);
        }
    }

    /** Takes a sequence out of line and out of the batch. It keeps its blocks until released. */
    void end(Sequence sequence) {
        line.leave(sequence);
        if (sequence.phase != Phase.RELEASED) {
            sequence.phase = Phase.ENDED;
        }
    }

    /** Ends a sequence and gives up its blocks, after the running step if that has rows of it. */
    void release(Sequence sequence) {
        if (sequence.phase == Phase.RELEASED) {
            return;
        }
        end(sequence);
        if (sequence.inStep) {
            sequence.releaseAfterStep = true;
            return;
        }
        sequence.phase = Phase.RELEASED;
        reservations--;
        pool.release(sequence.dropBlocks(), sequence.use);
    }

    /** Whether a sequence of so many tokens has reached the longest length. */
    boolean isFull(Sequence sequence) {
        return sequence.size() >= limits.maxLength();
    }

    int running() {
        return line.running().size();
    }

    int waiting() {
        return line.waiting().size();
    }

    long preemptions() {
        return preemptions;
    }

    /** All sequences queued or running, oldest first in each group. */
    List<Sequence> unfinished() {
        List<Sequence> all = new ArrayList<>(line.running());
        all.addAll(line.waiting());
        return all;
    }

    /** Tokens of queued and running sequences still to be prefilled. */
    long waitingPrefillTokens() {
        long tokens = 0;
        for (Sequence sequence : unfinished()) {
            if (sequence.remaining() > 1 || sequence.computed < sequence.known) {
                tokens += sequence.remaining();
            }
        }
        return tokens;
    }

    /** Blocks that preempted sequences wait for: new reservations must not starve them. */
    private int preemptedNeed() {
        int need = 0;
        for (Sequence sequence : line.waiting()) {
            if (sequence.blocks().length == 0) {
                need += blocks.needed(sequence.size());
            }
        }
        return need;
    }

    private static void requirePhase(Sequence sequence, Phase phase) {
        if (sequence.phase != phase) {
            throw new IllegalStateException(
                    "%s is %s, not %s".formatted(sequence.spec.id(), sequence.phase, phase));
        }
    }
}

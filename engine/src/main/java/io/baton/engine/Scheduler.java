package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.ChunkKey;
import io.baton.engine.KvPool.Use;
import io.baton.engine.Sequence.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * Decides what the next step computes: continuous batching with chunked prefill. A pure state
 * machine without clock, kernels or threads; the engine loop's lock guards it.
 *
 * <p>Per step: waiting sequences are admitted in order of arrival, every sequence with one token
 * left gets its row, and the rows that remain go to prefill, in order of arrival, in spans that end
 * at chunk borders.
 *
 * <p>When a sequence needs a block and there is none, the newest generating sequence is preempted:
 * it loses its blocks, goes back to its place in line, and is later recomputed from prompt and
 * generated tokens. That is exact, because KV depends on the tokens alone (E0), and cheap when its
 * published blocks are still cached. Sequences that only prefill never grow and are never
 * preempted, because others read their blocks.
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
     */
    record Span(Sequence sequence, int from, int rows, boolean samples, int scored) {
        int to() {
            return from + rows;
        }

        /** Rows of logits: the scored ones, and the last where it samples. */
        int logitRows() {
            return samples && scored < rows ? scored + 1 : scored;
        }
    }

    /**
     * @param spans in row order; empty if there is nothing to do until something changes
     * @param newBlocks blocks to be zeroed before the step
     */
    record Plan(List<Span> spans, int[] newBlocks) {
        static final Plan NOTHING = new Plan(List.of(), new int[0]);
    }

    private static final Comparator<Sequence> BY_ARRIVAL =
            Comparator.comparingLong(sequence -> sequence.arrival);

    private final KvPool pool;
    private final Limits limits;
    private final TreeSet<Sequence> waiting = new TreeSet<>(BY_ARRIVAL);
    private final TreeSet<Sequence> running = new TreeSet<>(BY_ARRIVAL);
    private long arrivals;
    private int reservations;
    private long preemptions;

    Scheduler(KvPool pool, Limits limits) {
        this.pool = pool;
        this.limits = limits;
    }

    /**
     * Gives a new sequence blocks for its known tokens.
     *
     * @return the blocks to be zeroed
     */
    int[] reserve(Sequence sequence) {
        int count = blocksFor(sequence.known);
        checkFits(sequence, count);
        int reusable = sequence.reusable() / limits.blockTokens();
        KvPool.Taken taken =
                pool.take(sequence.keysUpTo(reusable), count, preemptedNeed(), Use.RESERVED);
        if (taken == null) {
            throw new BatonException(
                    ErrorCode.KV_POOL_EXHAUSTED,
                    "%s needs %d KV blocks, %d of %d are available. Try again later, or give the pool more memory (--kv-pool)."
                            .formatted(sequence.spec.id(), count, pool.available(), pool.blocks()));
        }
        reservations++;
        sequence.setBlocks(taken.blocks());
        sequence.heldTokens = taken.held() * limits.blockTokens();
        sequence.computed = sequence.heldTokens;
        sequence.announced = sequence.heldTokens;
        sequence.publishedBlocks = taken.held();
        return Arrays.copyOfRange(taken.blocks(), taken.held(), count);
    }

    private void checkFits(Sequence sequence, int count) {
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
        if (count > pool.blocks()) {
            throw new IllegalStateException("the length limit lets in more than the pool holds");
        }
    }

    /** Puts a reserved sequence in line. */
    void enqueue(Sequence sequence, boolean generates) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.generates = generates;
        sequence.arrival = arrivals++;
        sequence.phase = Phase.WAITING;
        waiting.add(sequence);
    }

    /** The first tokens' KV was written by someone else: it is computed no more, and findable. */
    void keep(Sequence sequence, int tokens) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.computed = tokens;
        sequence.announced = tokens;
        publish(sequence);
    }

    /** As {@link #enqueue}, for a sequence whose known tokens' KV was written by someone else. */
    void enqueueFilled(Sequence sequence, int next) {
        requirePhase(sequence, Phase.RESERVED);
        sequence.computed = sequence.known;
        sequence.announced = sequence.known;
        publish(sequence);
        sequence.append(next);
        enqueue(sequence, true);
    }

    /** Chooses the next step. Its sequences are in it until {@link #complete}. */
    Plan plan() {
        List<Integer> newBlocks = new ArrayList<>();
        admit(newBlocks);
        List<Span> spans = new ArrayList<>();
        int rows = planDecode(spans, newBlocks);
        planPrefill(spans, limits.maxStepTokens() - rows);
        for (Span span : spans) {
            span.sequence().inStep = true;
        }
        return new Plan(spans, newBlocks.stream().mapToInt(Integer::intValue).toArray());
    }

    private void admit(List<Integer> newBlocks) {
        for (Sequence sequence : List.copyOf(waiting)) {
            if (running.size() >= limits.maxSequences()) {
                return;
            }
            // One that waits for blocks does not hold up those behind it: they have theirs, and
            // only by running do they give them back.
            if (sequence.blocks().length > 0 || takeAgain(sequence, newBlocks)) {
                waiting.remove(sequence);
                running.add(sequence);
                sequence.phase = Phase.RUNNING;
                if (sequence.use == Use.RESERVED) {
                    pool.activate(sequence.blocks());
                    sequence.use = Use.ACTIVE;
                }
            }
        }
    }

    /** Blocks for a preempted sequence: all its tokens, so that it isn't preempted right away. */
    private boolean takeAgain(Sequence sequence, List<Integer> newBlocks) {
        int count = blocksFor(sequence.size());
        int reusable = sequence.reusable() / limits.blockTokens();
        // Running sequences may each need a block soon; alone, it may have all.
        KvPool.Taken taken =
                pool.take(sequence.keysUpTo(reusable), count, running.size(), Use.ACTIVE);
        if (taken == null) {
            return false;
        }
        sequence.use = Use.ACTIVE;
        sequence.setBlocks(taken.blocks());
        sequence.computed = taken.held() * limits.blockTokens();
        sequence.publishedBlocks = taken.held();
        for (int i = taken.held(); i < count; i++) {
            newBlocks.add(taken.blocks()[i]);
        }
        return true;
    }

    private int planDecode(List<Span> spans, List<Integer> newBlocks) {
        int rows = 0;
        for (Sequence sequence : List.copyOf(running)) {
            if (sequence.phase == Phase.RUNNING
                    && sequence.remaining() == 1
                    && grow(sequence, newBlocks)) {
                spans.add(new Span(sequence, sequence.computed, 1, true, 0));
                rows++;
            }
        }
        return rows;
    }

    private void planPrefill(List<Span> spans, int rowsLeft) {
        // A step has one row of logits for each sequence it may serve; what the running ones leave
        // goes to those that report their prompt.
        int spareLogits = limits.maxSequences() - running.size();
        for (Sequence sequence : running) {
            if (rowsLeft == 0) {
                return;
            }
            if (sequence.remaining() > 1) {
                int from = sequence.computed;
                int border = (from / limits.chunkTokens() + 1) * limits.chunkTokens();
                int to = Math.min(Math.min(sequence.size(), border), from + rowsLeft);
                int scored = 0;
                if (sequence.scores()) {
                    to = Math.min(to, from + 1 + spareLogits);
                    scored = Math.max(0, Math.min(to, sequence.spec.prompt().length - 1) - from);
                    spareLogits -= to - from - 1;
                }
                spans.add(new Span(sequence, from, to - from, to == sequence.size(), scored));
                rowsLeft -= to - from;
            }
        }
    }

    /** Makes room for the last token. Returns false if the sequence itself had to give way. */
    private boolean grow(Sequence sequence, List<Integer> newBlocks) {
        int count = blocksFor(sequence.size());
        while (sequence.blocks().length < count) {
            KvPool.Taken taken = pool.take(List.of(), 1, 0, Use.ACTIVE);
            if (taken != null) {
                int[] old = sequence.blocks();
                int[] table = Arrays.copyOf(old, old.length + 1);
                table[old.length] = taken.blocks()[0];
                sequence.setBlocks(table);
                newBlocks.add(table[old.length]);
                continue;
            }
            Sequence victim = newestGenerating();
            preempt(victim, newBlocks);
            if (victim == sequence) {
                return false;
            }
        }
        return true;
    }

    private Sequence newestGenerating() {
        for (Sequence sequence : running.descendingSet()) {
            if (sequence.generates) {
                return sequence;
            }
        }
        throw new IllegalStateException("a growing sequence is running, so there is one");
    }

    private void preempt(Sequence victim, List<Integer> newBlocks) {
        preemptions++;
        running.remove(victim);
        waiting.add(victim);
        victim.phase = Phase.WAITING;
        victim.computed = 0;
        victim.publishedBlocks = 0;
        int[] blocks = victim.dropBlocks();
        // A block it got in this very plan need not be zeroed for it any more; whoever gets it next
        // lists it again.
        for (int block : blocks) {
            newBlocks.remove(Integer.valueOf(block));
        }
        pool.release(blocks, Use.ACTIVE);
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
                sequence.computed = span.to();
                sequence.announced =
                        Math.max(sequence.announced, Math.min(span.to(), sequence.known));
                publish(sequence);
            }
            if (sequence.releaseAfterStep) {
                release(sequence);
            }
        }
    }

    private void publish(Sequence sequence) {
        int full = sequence.computed / limits.blockTokens();
        List<ChunkKey> keys = sequence.keysUpTo(full);
        for (int i = sequence.publishedBlocks; i < full; i++) {
            pool.publish(keys.get(i), sequence.blocks()[i]);
        }
        sequence.publishedBlocks = full;
    }

    /** Takes a sequence out of line and out of the batch. It keeps its blocks until released. */
    void end(Sequence sequence) {
        waiting.remove(sequence);
        running.remove(sequence);
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
        return running.size();
    }

    int waiting() {
        return waiting.size();
    }

    long preemptions() {
        return preemptions;
    }

    /** All sequences queued or running, oldest first in each group. */
    List<Sequence> unfinished() {
        List<Sequence> all = new ArrayList<>(running);
        all.addAll(waiting);
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
        for (Sequence sequence : waiting) {
            if (sequence.blocks().length == 0) {
                need += blocksFor(sequence.size());
            }
        }
        return need;
    }

    private int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, limits.blockTokens());
    }

    private static void requirePhase(Sequence sequence, Phase phase) {
        if (sequence.phase != phase) {
            throw new IllegalStateException(
                    "%s is %s, not %s".formatted(sequence.spec.id(), sequence.phase, phase));
        }
    }
}

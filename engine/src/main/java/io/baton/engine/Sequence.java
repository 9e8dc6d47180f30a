package io.baton.engine;

import io.baton.common.error.BatonException;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.TokenConstraint;
import io.baton.common.kv.ChunkKey;
import io.baton.common.kv.KeyChain;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One sequence's tokens, blocks and progress: what the scheduler works on. Guarded by the engine
 * loop's lock, save where a member says otherwise.
 *
 * <pre>
 * tokens:  | prompt | emitted | generated here |
 *          0                known              size
 * KV:      |=============== computed ....|            blocks: ceil(size / block) while running
 * </pre>
 */
final class Sequence {
    /** Where a sequence stands. Blocks are held in every state until {@link Scheduler#release}. */
    enum Phase {
        /** Has blocks, no work asked for yet. */
        RESERVED,
        /** Queued, or preempted and queued again (then without blocks). */
        WAITING,
        /** Steps may run on it. */
        RUNNING,
        /** Finished, failed or cancelled. */
        ENDED,
        /** Holds no block and never will again. */
        RELEASED
    }

    private static final int[] NO_BLOCKS = {};

    final SequenceSpec spec;
    final int known;
    private final int blockTokens;
    private final List<ChunkKey> keys = new ArrayList<>();

    private int[] tokens;
    private int size;

    Phase phase = Phase.RESERVED;
    KvPool.Use use = KvPool.Use.RESERVED;

    /** Place in the line: lower came first. Kept over preemption. */
    long arrival;

    /** Whether it goes on after its first sampled token. Only such sequences are preempted. */
    boolean generates;

    /** Whether it goes before all others, having been passed over for too long. */
    boolean promoted;

    /** Guesses its next tokens; null where none are guessed. The engine thread's own. */
    @Nullable PromptLookup lookup;

    /** Whether its listener heard that it started; the engine thread's own. */
    boolean started;

    /**
     * Whether a step that is running now has rows of it, or its blocks are being copied out or in.
     */
    boolean inStep;

    /** Whether its blocks are to be released when the running step is over. */
    boolean releaseAfterStep;

    /**
     * Known tokens found in the pool at reservation, or written and kept since; the latter under
     * the monitor.
     */
    int heldTokens;

    /** Tokens whose KV is in the pool. */
    int computed;

    /** Full blocks made findable so far. */
    int publishedBlocks;

    /**
     * Known tokens whose layers the listener has heard of; a recomputed token is not told twice.
     */
    int announced;

    /**
     * Tokens of the prompt, from its start, that need no log probability any more: the first has
     * none, the others were reported. Never less after a preemption: a token computed again is not
     * reported again. Written by the engine's thread alone, between plans.
     */
    int scored;

    /** Read by the engine's thread between layers, set by any. */
    volatile boolean cancelled;

    volatile @Nullable SequenceListener listener;

    /** Which tokens may come next, null for all. Set once, before the sequence is queued. */
    @Nullable TokenConstraint constraint;

    /** Why no token could be chosen, if not for the logits; the engine thread's own. */
    @Nullable BatonException refused;

    /** Replaced, never changed: steps and readers may keep an old table. */
    private volatile int[] blocks = NO_BLOCKS;

    /** Computes the keys of the known tokens, so call it outside of any lock. */
    Sequence(SequenceSpec spec, int blockTokens) {
        this.spec = spec;
        this.blockTokens = blockTokens;
        this.tokens = spec.knownTokens();
        this.size = tokens.length;
        this.known = tokens.length;
        this.scored = spec.sampling().promptLogprobs() < 0 ? spec.prompt().length : 1;
        keysUpTo(known / blockTokens);
    }

    /** Any thread. */
    int[] blocks() {
        return blocks;
    }

    /**
     * Waits for a copy in flight ({@code synchronized}), so that blocks never change owner under
     * it.
     */
    synchronized void setBlocks(int[] table) {
        blocks = table;
    }

    int[] dropBlocks() {
        int[] dropped = blocks;
        setBlocks(NO_BLOCKS);
        return dropped;
    }

    int size() {
        return size;
    }

    /** How it is served among others. */
    ServiceTerms terms() {
        return spec.terms();
    }

    /** Tokens without KV. 1 means a decode row. */
    int remaining() {
        return size - computed;
    }

    /**
     * Tokens whose KV may be taken from the pool: the last token's logits choose the next one, and
     * those of a token before one that is still to be reported are wanted, too.
     */
    int reusable() {
        return (scores() ? scored : size) - 1;
    }

    /** Of tokens that a step has scored, those not reported so far; they are from now on. */
    List<TokenOutput> report(List<TokenOutput> tokens) {
        List<TokenOutput> fresh = tokens.stream().filter(t -> t.index() >= scored).toList();
        if (!fresh.isEmpty()) {
            scored = fresh.getLast().index() + 1;
        }
        return fresh;
    }

    /** Whether the logits of the rows from {@code computed} on report tokens of the prompt. */
    boolean scores() {
        return scored < spec.prompt().length;
    }

    int[] tokens(int from, int to) {
        return Arrays.copyOfRange(tokens, from, to);
    }

    void append(int token) {
        makeRoom(1);
        tokens[size++] = token;
    }

    /**
     * Puts guesses behind the tokens without counting them: a step computes them like the others,
     * and the sampler sees those before the place that it looks at.
     */
    void draft(int[] guesses) {
        makeRoom(guesses.length);
        System.arraycopy(guesses, 0, tokens, size, guesses.length);
    }

    private void makeRoom(int more) {
        if (size + more > tokens.length) {
            int length = Math.addExact(size, size / 2);
            tokens = Arrays.copyOf(tokens, Math.max(size + more, Math.max(16, length)));
        }
    }

    /** Tokens after the prompt: emitted on an earlier attempt or generated here. */
    int generated() {
        return size - spec.prompt().length;
    }

    /** Keys of the first {@code count} full blocks. */
    List<ChunkKey> keysUpTo(int count) {
        while (keys.size() < count) {
            int from = keys.size() * blockTokens;
            ChunkKey parent = keys.isEmpty() ? spec.keys().root() : keys.getLast();
            keys.add(KeyChain.next(parent, tokens, from, from + blockTokens));
        }
        return keys.subList(0, count);
    }

    /**
     * The tokens, for the sampler; valid up to {@link #size()} and the guesses behind it, not to be
     * changed.
     */
    int[] tokenArray() {
        return tokens;
    }
}

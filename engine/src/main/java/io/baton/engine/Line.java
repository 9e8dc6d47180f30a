package io.baton.engine;

import io.baton.common.generation.ServiceTerms;
import io.baton.engine.Sequence.Phase;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences that wait and those in the batch, and whose turn it is: the lowest priority number
 * first ({@link Priorities} bounds how long one is passed over), then the tenant that has had least
 * ({@link TenantShares}), then who came first. The scheduler's own; not safe for several threads.
 */
final class Line {
    private static final Comparator<Sequence> BY_ARRIVAL =
            Comparator.comparingLong(sequence -> sequence.arrival);
    private static final Comparator<Sequence> BY_IMPORTANCE =
            Comparator.comparingInt(Line::rank).thenComparing(BY_ARRIVAL);

    private final TreeSet<Sequence> waiting = new TreeSet<>(BY_ARRIVAL);
    private final TreeSet<Sequence> running = new TreeSet<>(BY_ARRIVAL);
    private final TenantShares shares = new TenantShares();
    private final Priorities priorities;
    private long arrivals;

    /**
     * @param patienceTokens see {@link Priorities}
     */
    Line(long patienceTokens) {
        this.priorities = new Priorities(patienceTokens);
    }

    private static int rank(Sequence sequence) {
        return sequence.promoted ? Integer.MIN_VALUE : sequence.terms().priority();
    }

    /** A new sequence waits. */
    void join(Sequence sequence) {
        sequence.arrival = arrivals++;
        sequence.phase = Phase.WAITING;
        waiting.add(sequence);
        shares.join(sequence.terms());
    }

    /** A sequence gets a place in the batch. */
    void start(Sequence sequence) {
        waiting.remove(sequence);
        running.add(sequence);
        sequence.phase = Phase.RUNNING;
        priorities.served(sequence.terms().priority());
        if (sequence.remaining() > 1) {
            shares.promise(sequence.terms(), sequence.remaining());
        }
    }

    /** A running sequence gives its place up and waits again, where it was in line before. */
    void giveWay(Sequence sequence) {
        running.remove(sequence);
        waiting.add(sequence);
        sequence.phase = Phase.WAITING;
    }

    /** A sequence is served no more; harmless for one that is not in line. */
    void leave(Sequence sequence) {
        if (waiting.remove(sequence) || running.remove(sequence)) {
            shares.leave(sequence.terms());
        }
    }

    /** A new plan begins. */
    void beginPlan() {
        shares.begin();
        Set<Integer> inWant = new TreeSet<>();
        for (Sequence sequence : waiting) {
            inWant.add(sequence.terms().priority());
        }
        for (Sequence sequence : running) {
            if (sequence.remaining() > 1) {
                inWant.add(sequence.terms().priority());
                shares.promise(sequence.terms(), sequence.remaining());
            }
        }
        priorities.inWant(inWant);
        Integer overdue = priorities.overdue();
        if (overdue != null) {
            promote(overdue);
        }
    }

    /** Puts one of a priority before all others, until it ends: one that has a place, if any. */
    private void promote(int priority) {
        List<Sequence> candidates = new ArrayList<>();
        for (Collection<Sequence> group : List.of(prefilling(), waiting)) {
            for (Sequence sequence : group) {
                if (sequence.terms().priority() == priority && !sequence.promoted) {
                    candidates.add(sequence);
                }
            }
            Sequence next = nextForRows(candidates);
            if (next != null) {
                next.promoted = true;
                priorities.served(priority);
                return;
            }
        }
    }

    /** Who gets the next place, apart from those passed; null if nobody waits. */
    @Nullable Sequence nextForPlace(Set<Sequence> passed) {
        return waiting.stream()
                .filter(sequence -> !passed.contains(sequence))
                .min(
                        Comparator.comparingInt(Line::rank)
                                .thenComparingDouble(s -> shares.timeWithPromises(s.terms()))
                                .thenComparing(BY_ARRIVAL))
                .orElse(null);
    }

    /** Who gets the next rows; null if there is nobody. */
    @Nullable Sequence nextForRows(Collection<Sequence> candidates) {
        return candidates.stream()
                .min(
                        Comparator.comparingInt(Line::rank)
                                .thenComparingDouble(s -> shares.time(s.terms()))
                                .thenComparing(BY_ARRIVAL))
                .orElse(null);
    }

    /** Rows are given to a running sequence. */
    void give(Sequence sequence, int rows, boolean prefill) {
        ServiceTerms terms = sequence.terms();
        shares.charge(terms, rows);
        priorities.computed(rows);
        if (prefill) {
            priorities.served(terms.priority());
        }
    }

    /** Running sequences with more than one token to compute, in order of arrival. */
    List<Sequence> prefilling() {
        return running.stream().filter(sequence -> sequence.remaining() > 1).toList();
    }

    /** Running sequences with one token to compute; whoever is preempted first comes last. */
    List<Sequence> decoding() {
        return running.stream()
                .filter(sequence -> sequence.remaining() == 1)
                .sorted(BY_IMPORTANCE)
                .toList();
    }

    /** Who gives way when there is no block: of those that generate the least urgent, newest. */
    Sequence victim() {
        return running.stream()
                .filter(sequence -> sequence.generates)
                .max(BY_IMPORTANCE)
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "a growing sequence is running, so there is one"));
    }

    Collection<Sequence> waiting() {
        return waiting;
    }

    Collection<Sequence> running() {
        return running;
    }
}

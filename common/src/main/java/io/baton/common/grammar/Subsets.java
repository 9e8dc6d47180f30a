package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Subset construction (Rabin and Scott 1959): the deterministic automaton of a nondeterministic
 * one. Used once, by one thread.
 */
final class Subsets {
    private final Nfa nfa;
    private final Octets octets;
    private final Budget budget;
    private final byte[] columnOf = new byte[256];
    private final int columns;
    private final Dfa.Table table;
    private final Map<Subset, Integer> ids = new HashMap<>();
    private final List<Subset> subsets = new ArrayList<>();

    /** NFA states that a byte of each column leads to. */
    private final int[][] targets;

    private final int[] targetCounts;

    /** The closure in which each NFA state was last found. */
    private final int[] mark;

    private final int[] queue;
    private int closures;

    /** NFA states, sorted. */
    private record Subset(int[] states) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Subset(int[] theirs) && Arrays.equals(states, theirs);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(states);
        }
    }

    Subsets(Nfa nfa, Octets octets, Budget budget) {
        this.nfa = nfa;
        this.octets = octets;
        this.budget = budget;
        budget.spendSteps(nfa.states());
        this.columns = split();
        this.table = new Dfa.Table(columns, budget);
        this.targets = new int[columns][8];
        this.targetCounts = new int[columns];
        this.mark = new int[nfa.states()];
        this.queue = new int[nfa.states()];
    }

    /** Columns are runs of bytes, so an arrow covers whole columns. */
    private int split() {
        BitSet starts = new BitSet(257);
        starts.set(0);
        for (int state = 0; state < nfa.states(); state++) {
            for (Nfa.Arrow arrow : nfa.arrows(state)) {
                starts.set(arrow.from());
                starts.set(arrow.to() + 1);
            }
        }
        for (int octet = 1; octet < 256; octet++) {
            if (octets.contains(octet) != octets.contains(octet - 1)) {
                starts.set(octet);
            }
        }
        int column = -1;
        for (int octet = 0; octet < 256; octet++) {
            column += starts.get(octet) ? 1 : 0;
            columnOf[octet] = (byte) column;
        }
        return column + 1;
    }

    Dfa build() {
        id(new int[] {0}, 1);
        for (int state = 0; state < subsets.size(); state++) {
            Subset subset = subsets.get(state);
            table.row(state, Arrays.binarySearch(subset.states(), 1) >= 0);
            Arrays.fill(targetCounts, 0);
            for (int inner : subset.states()) {
                for (Nfa.Arrow arrow : nfa.arrows(inner)) {
                    int first = columnOf[arrow.from()] & 0xff;
                    int last = columnOf[arrow.to()] & 0xff;
                    for (int column = first; column <= last; column++) {
                        target(column, arrow.target());
                    }
                    budget.spendSteps(last - first + 1);
                }
            }
            for (int column = 0; column < columns; column++) {
                if (targetCounts[column] > 0) {
                    table.set(state, column, id(targets[column], targetCounts[column]));
                }
            }
        }
        return table.pruned(columnOf, octets);
    }

    private void target(int column, int state) {
        if (targetCounts[column] == targets[column].length) {
            targets[column] = Arrays.copyOf(targets[column], 2 * targetCounts[column]);
        }
        targets[column][targetCounts[column]++] = state;
    }

    private int id(int[] seeds, int count) {
        Subset closure = closure(seeds, count);
        Integer known = ids.get(closure);
        if (known != null) {
            return known;
        }
        ids.put(closure, subsets.size());
        subsets.add(closure);
        return subsets.size() - 1;
    }

    /** All NFA states that seeds lead to without a byte. */
    private Subset closure(int[] seeds, int count) {
        closures++;
        int size = 0;
        for (int i = 0; i < count; i++) {
            size = visit(seeds[i], size);
        }
        int[] found = new int[Math.max(4, size)];
        int kept = 0;
        for (int at = 0; at < size; at++) {
            int state = queue[at];
            // States that only jump are of no account, save the accepting one.
            if (state == 1 || !nfa.arrows(state).isEmpty()) {
                if (kept == found.length) {
                    found = Arrays.copyOf(found, 2 * kept);
                }
                found[kept++] = state;
            }
            for (int target : nfa.jumps(state)) {
                size = visit(target, size);
            }
        }
        budget.spendSteps(size);
        int[] states = Arrays.copyOf(found, kept);
        Arrays.sort(states);
        return new Subset(states);
    }

    private int visit(int state, int size) {
        if (mark[state] == closures) {
            return size;
        }
        mark[state] = closures;
        queue[size] = state;
        return size + 1;
    }
}

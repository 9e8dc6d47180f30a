package io.baton.common.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A deterministic automaton over bytes as a table: bytes that no state tells apart share a column.
 * State 0 starts. Immutable.
 */
final class Dfa implements Terminal {
    private static final char NONE = 0xffff;

    private final byte[] columnOf;
    private final int columns;
    private final char[] next;
    private final BitSet accepting;
    private final BitSet goingOn;

    private Dfa(byte[] columnOf, int columns, char[] next, BitSet accepting) {
        this.columnOf = columnOf;
        this.columns = columns;
        this.next = next;
        this.accepting = accepting;
        this.goingOn = new BitSet();
        for (int cell = 0; cell < next.length; cell++) {
            if (next[cell] != NONE) {
                goingOn.set(cell / columns);
            }
        }
    }

    @Override
    public int step(int state, int octet) {
        char target = next[state * columns + (columnOf[octet] & 0xff)];
        return target == NONE ? DEAD : target;
    }

    @Override
    public boolean accepts(int state) {
        return accepting.get(state);
    }

    @Override
    public boolean goesOn(int state) {
        return goingOn.get(state);
    }

    int states() {
        return next.length / columns;
    }

    /** The deterministic automaton of the same language, by subset construction. */
    static Dfa of(Nfa nfa, Octets octets, Budget budget) {
        return new Subsets(nfa, octets, budget).build();
    }

    /** Texts of both languages. */
    static Dfa both(Dfa a, Dfa b, Octets octets, Budget budget) {
        return product(a, b, octets, budget, false);
    }

    /** Texts of the first language that are not of the second. */
    static Dfa without(Dfa a, Dfa b, Octets octets, Budget budget) {
        return product(a, b, octets, budget, true);
    }

    private static Dfa product(Dfa a, Dfa b, Octets octets, Budget budget, boolean notB) {
        byte[] columnOf = new byte[256];
        Map<Integer, Integer> columnIds = new HashMap<>();
        List<Integer> sample = new ArrayList<>();
        for (int octet = 0; octet < 256; octet++) {
            int pair = (a.columnOf[octet] & 0xff) << 8 | (b.columnOf[octet] & 0xff);
            int key = octets.contains(octet) ? pair : pair | 1 << 16;
            Integer known = columnIds.get(key);
            if (known == null) {
                known = sample.size();
                columnIds.put(key, known);
                sample.add(octet);
            }
            columnOf[octet] = (byte) (int) known;
        }
        Table table = new Table(sample.size(), budget);
        Map<Long, Integer> ids = new HashMap<>();
        List<long[]> pairs = new ArrayList<>();
        ids.put(0L, 0);
        pairs.add(new long[] {0, 0});
        for (int state = 0; state < pairs.size(); state++) {
            int inA = (int) pairs.get(state)[0];
            int inB = (int) pairs.get(state)[1];
            boolean bAccepts = inB >= 0 && b.accepts(inB);
            table.row(state, a.accepts(inA) && bAccepts != notB);
            for (int column = 0; column < sample.size(); column++) {
                int nextA = a.step(inA, sample.get(column));
                int nextB = inB < 0 ? DEAD : b.step(inB, sample.get(column));
                if (nextA < 0 || nextB < 0 && !notB) {
                    continue;
                }
                long key = (long) nextA << 32 | (nextB & 0xffffffffL);
                Integer id = ids.get(key);
                if (id == null) {
                    id = pairs.size();
                    ids.put(key, id);
                    pairs.add(new long[] {nextA, nextB});
                }
                table.set(state, column, id);
            }
        }
        return table.pruned(columnOf, octets);
    }

    /** A table under construction. */
    static final class Table {
        private final int columns;
        private final List<int[]> rows = new ArrayList<>();
        private final BitSet accepting = new BitSet();
        private final Budget budget;

        Table(int columns, Budget budget) {
            this.columns = columns;
            this.budget = budget;
        }

        void row(int state, boolean accepts) {
            if (state == GrammarLimits.MAX_DFA_STATES) {
                throw Refusal.invalid(
                        "an automaton needs more than %d states; make repeat counts smaller"
                                .formatted(GrammarLimits.MAX_DFA_STATES));
            }
            budget.spendSteps(columns);
            int[] row = new int[columns];
            Arrays.fill(row, DEAD);
            rows.add(row);
            accepting.set(state, accepts);
        }

        void set(int state, int column, int target) {
            rows.get(state)[column] = target;
        }

        /**
         * Leaves out what cannot end with the bytes that can be spelled. All bytes of a column are
         * spelled or none.
         */
        Dfa pruned(byte[] columnOf, Octets octets) {
            BitSet spelled = new BitSet(columns);
            for (int octet = 0; octet < 256; octet++) {
                if (octets.contains(octet)) {
                    spelled.set(columnOf[octet] & 0xff);
                }
            }
            BitSet alive = alive(spelled);
            if (!alive.get(0)) {
                throw Refusal.invalid(
                        "nothing that this model can write matches; loosen what is asked for");
            }
            int[] renamed = new int[rows.size()];
            int count = 0;
            for (int state = 0; state < rows.size(); state++) {
                renamed[state] = alive.get(state) ? count++ : NONE;
            }
            char[] next = new char[count * columns];
            BitSet accepts = new BitSet(count);
            for (int state = alive.nextSetBit(0); state >= 0; state = alive.nextSetBit(state + 1)) {
                int row = renamed[state] * columns;
                for (int column = 0; column < columns; column++) {
                    int target = rows.get(state)[column];
                    next[row + column] = target < 0 ? NONE : (char) renamed[target];
                }
                accepts.set(renamed[state], accepting.get(state));
            }
            budget.spendCells(next.length);
            return new Dfa(columnOf, columns, next, accepts);
        }

        private BitSet alive(BitSet spelled) {
            List<List<Integer>> before = new ArrayList<>();
            rows.forEach(row -> before.add(new ArrayList<>(2)));
            for (int state = 0; state < rows.size(); state++) {
                for (int column = spelled.nextSetBit(0);
                        column >= 0;
                        column = spelled.nextSetBit(column + 1)) {
                    int target = rows.get(state)[column];
                    if (target >= 0) {
                        before.get(target).add(state);
                    }
                }
            }
            BitSet alive = (BitSet) accepting.clone();
            ArrayDeque<Integer> queue = new ArrayDeque<>();
            alive.stream().forEach(queue::add);
            while (!queue.isEmpty()) {
                for (int state : before.get(queue.poll())) {
                    if (!alive.get(state)) {
                        alive.set(state);
                        queue.add(state);
                    }
                }
            }
            return alive;
        }
    }
}

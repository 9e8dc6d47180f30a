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

    int cells() {
        return next.length;
    }

    /** The deterministic automaton of the same language, by subset construction. */
    static Dfa of(Nfa nfa, Octets octets) {
        return new Subsets(nfa, octets).build();
    }

    /** Texts of both languages. */
    static Dfa both(Dfa a, Dfa b, Octets octets) {
        return product(a, b, octets, false);
    }

    /** Texts of the first language that are not of the second. */
    static Dfa without(Dfa a, Dfa b, Octets octets) {
        return product(a, b, octets, true);
    }

    private static Dfa product(Dfa a, Dfa b, Octets octets, boolean notB) {
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
        Table table = new Table(sample.size());
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
    private static final class Table {
        private final int columns;
        private final List<int[]> rows = new ArrayList<>();
        private final BitSet accepting = new BitSet();
        private long steps;

        Table(int columns) {
            this.columns = columns;
        }

        void row(int state, boolean accepts) {
            if (state == GrammarLimits.MAX_DFA_STATES) {
                throw tooLarge();
            }
            spend(columns);
            int[] row = new int[columns];
            Arrays.fill(row, DEAD);
            rows.add(row);
            accepting.set(state, accepts);
        }

        void set(int state, int column, int target) {
            rows.get(state)[column] = target;
        }

        void spend(long more) {
            steps += more;
            if (steps > GrammarLimits.MAX_BUILD_STEPS) {
                throw tooLarge();
            }
        }

        private static Refusal tooLarge() {
            return Refusal.invalid(
                    "an automaton needs more than %d states or too much work; make repeat counts smaller"
                            .formatted(GrammarLimits.MAX_DFA_STATES));
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

    /** Subset construction. */
    private static final class Subsets {
        private final Nfa nfa;
        private final Octets octets;
        private final byte[] columnOf = new byte[256];
        private final int columns;
        private final Table table;
        private final Map<Subset, Integer> ids = new HashMap<>();
        private final List<Subset> subsets = new ArrayList<>();
        private final int[] mark;
        private int marks;

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

        Subsets(Nfa nfa, Octets octets) {
            this.nfa = nfa;
            this.octets = octets;
            this.columns = split();
            this.table = new Table(columns);
            this.mark = new int[nfa.states()];
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
            id(List.of(0));
            for (int state = 0; state < subsets.size(); state++) {
                Subset subset = subsets.get(state);
                table.row(state, Arrays.binarySearch(subset.states(), 1) >= 0);
                List<List<Integer>> targets = new ArrayList<>();
                for (int column = 0; column < columns; column++) {
                    targets.add(new ArrayList<>(2));
                }
                for (int inner : subset.states()) {
                    for (Nfa.Arrow arrow : nfa.arrows(inner)) {
                        int last = columnOf[arrow.to()] & 0xff;
                        for (int c = columnOf[arrow.from()] & 0xff; c <= last; c++) {
                            targets.get(c).add(arrow.target());
                        }
                        table.spend(last);
                    }
                }
                for (int column = 0; column < columns; column++) {
                    if (!targets.get(column).isEmpty()) {
                        table.set(state, column, id(targets.get(column)));
                    }
                }
            }
            return table.pruned(columnOf, octets);
        }

        private int id(List<Integer> seeds) {
            Subset closure = closure(seeds);
            Integer known = ids.get(closure);
            if (known != null) {
                return known;
            }
            ids.put(closure, subsets.size());
            subsets.add(closure);
            return subsets.size() - 1;
        }

        private Subset closure(List<Integer> seeds) {
            marks++;
            ArrayDeque<Integer> queue = new ArrayDeque<>();
            List<Integer> found = new ArrayList<>();
            seeds.forEach(seed -> visit(seed, queue));
            while (!queue.isEmpty()) {
                int state = queue.poll();
                // States that only jump are of no account, save the accepting one.
                if (state == 1 || !nfa.arrows(state).isEmpty()) {
                    found.add(state);
                }
                nfa.jumps(state).forEach(target -> visit(target, queue));
                table.spend(1);
            }
            return new Subset(found.stream().mapToInt(state -> state).sorted().toArray());
        }

        private void visit(int state, ArrayDeque<Integer> queue) {
            if (mark[state] != marks) {
                mark[state] = marks;
                queue.add(state);
            }
        }
    }
}

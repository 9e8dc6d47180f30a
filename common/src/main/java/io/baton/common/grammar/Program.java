package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * A grammar: states joined by steps. A rule is a part that {@link Step.Call}s reach from many
 * places. Immutable once built; every state that is left can be brought to its end within {@link
 * GrammarLimits#MAX_CALL_DEPTH} calls.
 */
final class Program {
    /** What leads from a state to another. */
    sealed interface Step {
        int to();

        /** A text of the terminal. */
        record Take(Terminal terminal, int to) implements Step {}

        /** A text of the rule that starts at {@code rule}. */
        record Call(int rule, int to) implements Step {}

        /** Nothing. */
        record Skip(int to) implements Step {}
    }

    private static final int NEVER = Integer.MAX_VALUE;

    private final List<List<Step>> steps;
    private final BitSet ends;
    private final int[] heights;
    private final int start;

    private Program(List<List<Step>> steps, BitSet ends, int[] heights, int start) {
        this.steps = steps;
        this.ends = ends;
        this.heights = heights;
        this.start = start;
    }

    int start() {
        return start;
    }

    List<Step> steps(int state) {
        return steps.get(state);
    }

    /** Whether a rule, or the whole, is complete here. */
    boolean ends(int state) {
        return ends.get(state);
    }

    /** Calls that must be nested to get from a state to its rule's end, at least. */
    int height(int state) {
        return heights[state];
    }

    /** Collects states and steps; one thread. */
    static final class Builder {
        private final List<List<Step>> steps = new ArrayList<>();
        private final BitSet ends = new BitSet();

        int state() {
            if (steps.size() == GrammarLimits.MAX_PROGRAM_STATES) {
                throw Refusal.invalid(
                        "the schema needs more than %d states; make lists and counts smaller"
                                .formatted(GrammarLimits.MAX_PROGRAM_STATES));
            }
            steps.add(new ArrayList<>(2));
            return steps.size() - 1;
        }

        int end() {
            int end = state();
            ends.set(end);
            return end;
        }

        void take(int from, Terminal terminal, int to) {
            steps.get(from).add(new Step.Take(terminal, to));
        }

        /** Takes a terminal and tells the state behind it. */
        int take(int from, Terminal terminal) {
            int to = state();
            take(from, terminal, to);
            return to;
        }

        void call(int from, int rule, int to) {
            steps.get(from).add(new Step.Call(rule, to));
        }

        void skip(int from, int to) {
            steps.get(from).add(new Step.Skip(to));
        }

        /**
         * Checks and prunes.
         *
         * @throws Refusal if nothing can be written, or a rule calls itself before any byte
         */
        Program build(int start) {
            int[] heights = heights();
            if (heights[start] > GrammarLimits.MAX_CALL_DEPTH) {
                throw Refusal.invalid(
                        heights[start] == NEVER
                                ? "no value can be complete: the schema needs itself without an end"
                                : "the schema needs more than %d nested references"
                                        .formatted(GrammarLimits.MAX_CALL_DEPTH));
            }
            requireProgress();
            List<List<Step>> kept = new ArrayList<>();
            for (List<Step> all : steps) {
                kept.add(all.stream().filter(step -> height(step, heights) != NEVER).toList());
            }
            return new Program(kept, ends, heights, start);
        }

        private int[] heights() {
            int[] heights = new int[steps.size()];
            Arrays.fill(heights, NEVER);
            ends.stream().forEach(end -> heights[end] = 0);
            boolean changed = true;
            while (changed) {
                changed = false;
                for (int state = steps.size() - 1; state >= 0; state--) {
                    for (Step step : steps.get(state)) {
                        int height = height(step, heights);
                        if (height < heights[state]) {
                            heights[state] = height;
                            changed = true;
                        }
                    }
                }
            }
            return heights;
        }

        private static int height(Step step, int[] heights) {
            int rest = heights[step.to()];
            if (step instanceof Step.Call call) {
                int inner = heights[call.rule()];
                return inner == NEVER || rest == NEVER ? NEVER : Math.max(inner + 1, rest);
            }
            return rest;
        }

        /** Refuses a rule that can call itself before it has taken a byte. */
        private void requireProgress() {
            BitSet empty = emptyStates();
            int[] mark = new int[steps.size()];
            for (int state = 0; state < steps.size(); state++) {
                if (mark[state] == 0) {
                    search(state, empty, mark);
                }
            }
        }

        /** States from which the end can be reached without a byte. */
        private BitSet emptyStates() {
            BitSet empty = (BitSet) ends.clone();
            boolean changed = true;
            while (changed) {
                changed = false;
                for (int state = steps.size() - 1; state >= 0; state--) {
                    for (Step step : steps.get(state)) {
                        if (!empty.get(state) && empty.get(step.to()) && isEmpty(step, empty)) {
                            empty.set(state);
                            changed = true;
                        }
                    }
                }
            }
            return empty;
        }

        private static boolean isEmpty(Step step, BitSet empty) {
            return switch (step) {
                case Step.Take take -> take.terminal().accepts(Terminal.START);
                case Step.Call call -> empty.get(call.rule());
                case Step.Skip _ -> true;
            };
        }

        /** Depth first, with a stack of its own: a cycle of byteless steps is refused. */
        private void search(int root, BitSet empty, int[] mark) {
            List<int[]> path = new ArrayList<>();
            path.add(new int[] {root, 0});
            mark[root] = 1;
            while (!path.isEmpty()) {
                int[] top = path.getLast();
                List<Integer> targets = byteless(top[0], empty);
                if (top[1] == targets.size()) {
                    mark[top[0]] = 2;
                    path.removeLast();
                    continue;
                }
                int target = targets.get(top[1]++);
                if (mark[target] == 1) {
                    throw Refusal.invalid(
                            "a schema refers to itself without an object or array in between");
                }
                if (mark[target] == 0) {
                    mark[target] = 1;
                    path.add(new int[] {target, 0});
                }
            }
        }

        private List<Integer> byteless(int state, BitSet empty) {
            List<Integer> targets = new ArrayList<>();
            for (Step step : steps.get(state)) {
                if (step instanceof Step.Call call) {
                    targets.add(call.rule());
                }
                if (isEmpty(step, empty)) {
                    targets.add(step.to());
                }
            }
            return targets;
        }
    }
}

package io.baton.common.grammar;

import io.baton.common.grammar.Program.Step;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The terminals that may start after a stack, each with what follows it, and whether the whole may
 * end here. Immutable.
 */
record Closure(Terminal[] terminals, Stack[] stacks, boolean complete) {
    boolean isEmpty() {
        return terminals.length == 0;
    }

    static Closure of(Program program, Stack stack) {
        Search search = new Search(program);
        search.resume(stack);
        return search.run();
    }

    /** One thread; finds all states reachable without a byte. */
    private static final class Search {
        private final Program program;

        /** Each state reached, with what follows its rule. */
        private final Map<Integer, Stack> reached = new LinkedHashMap<>();

        private final ArrayDeque<Integer> queue = new ArrayDeque<>();
        private boolean complete;

        Search(Program program) {
            this.program = program;
        }

        void resume(Stack stack) {
            for (int i = 0; i < stack.size(); i++) {
                reach(stack.resume(i), stack.below(i));
            }
        }

        private void reach(int state, Stack below) {
            Stack known = reached.get(state);
            Stack all = known == null ? below : known.or(below);
            if (all != known) {
                reached.put(state, all);
                queue.add(state);
            }
        }

        Closure run() {
            while (!queue.isEmpty()) {
                int state = queue.poll();
                Stack below = reached.getOrDefault(state, Stack.BOTTOM);
                if (program.ends(state)) {
                    complete |= below.size() == 0;
                    resume(below);
                }
                for (Step step : program.steps(state)) {
                    follow(step, below);
                }
            }
            Map<Terminal, Stack> terminals = new LinkedHashMap<>();
            reached.forEach(
                    (state, below) -> {
                        for (Step step : program.steps(state)) {
                            if (step instanceof Step.Take(Terminal terminal, int to)) {
                                terminals.merge(terminal, Stack.next(to, below), Stack::or);
                            }
                        }
                    });
            return new Closure(
                    terminals.keySet().toArray(Terminal[]::new),
                    terminals.values().toArray(Stack[]::new),
                    complete);
        }

        private void follow(Step step, Stack below) {
            switch (step) {
                case Step.Skip(int to) -> reach(to, below);
                case Step.Take(Terminal terminal, int to) -> {
                    if (terminal.accepts(Terminal.START)) {
                        reach(to, below);
                    }
                }
                case Step.Call(int rule, int to) -> {
                    // Only as deep as can be brought to an end.
                    int depth = below.depth();
                    if (depth + 1 + program.height(rule) <= GrammarLimits.MAX_CALL_DEPTH
                            && depth + program.height(to) <= GrammarLimits.MAX_CALL_DEPTH) {
                        reach(rule, Stack.call(to, below));
                    }
                }
            }
        }
    }
}

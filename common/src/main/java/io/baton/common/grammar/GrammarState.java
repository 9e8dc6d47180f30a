package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a text may be in a grammar: terminals in progress, each with its state and what follows,
 * and whether the text may end here. A pure function of (grammar, bytes so far). Immutable.
 */
final class GrammarState {
    private final Program program;
    private final Terminal[] terminals;
    private final int[] states;
    private final Stack[] stacks;
    private final boolean complete;

    private GrammarState(Program program, Collector collector) {
        this.program = program;
        this.terminals = collector.terminals.toArray(Terminal[]::new);
        this.states = collector.states.stream().mapToInt(state -> state).toArray();
        this.stacks = collector.stacks.toArray(Stack[]::new);
        this.complete = collector.complete;
    }

    /** Before the first byte. */
    static GrammarState start(Program program) {
        Collector collector = new Collector();
        collector.addAll(Stack.next(program.start(), Stack.BOTTOM).closure(program));
        return new GrammarState(program, collector);
    }

    int size() {
        return terminals.length;
    }

    Terminal terminal(int i) {
        return terminals[i];
    }

    int state(int i) {
        return states[i];
    }

    Stack stack(int i) {
        return stacks[i];
    }

    Program program() {
        return program;
    }

    /** Whether the text so far is a whole one. */
    boolean complete() {
        return complete;
    }

    /** Whether both give the same masks and the same states ever after. */
    boolean isSame(GrammarState other) {
        if (complete != other.complete || terminals.length != other.terminals.length) {
            return false;
        }
        for (int i = 0; i < terminals.length; i++) {
            if (terminals[i] != other.terminals[i]
                    || states[i] != other.states[i]
                    || stacks[i] != other.stacks[i]) {
                return false;
            }
        }
        return true;
    }

    /** The state after a byte, null if no text of the grammar goes on so. */
    @Nullable GrammarState after(int octet) {
        Collector collector = new Collector();
        for (int i = 0; i < terminals.length; i++) {
            int next = terminals[i].step(states[i], octet);
            if (next == Terminal.DEAD) {
                continue;
            }
            if (terminals[i].goesOn(next)) {
                collector.add(terminals[i], next, stacks[i]);
            }
            if (terminals[i].accepts(next)) {
                collector.addAll(stacks[i].closure(program));
            }
        }
        return collector.terminals.isEmpty() && !collector.complete
                ? null
                : new GrammarState(program, collector);
    }

    /** The state after some bytes, null if no text of the grammar goes on so. */
    @Nullable GrammarState after(byte[] bytes) {
        GrammarState state = this;
        for (byte octet : bytes) {
            state = state.after(octet & 0xff);
            if (state == null) {
                return null;
            }
        }
        return state;
    }

    /** Places in order of discovery; the same terminal in the same state is kept once. */
    private static final class Collector {
        private final List<Terminal> terminals = new ArrayList<>(4);
        private final List<Integer> states = new ArrayList<>(4);
        private final List<Stack> stacks = new ArrayList<>(4);
        private boolean complete;

        void add(Terminal terminal, int state, Stack stack) {
            for (int i = 0; i < terminals.size(); i++) {
                if (terminals.get(i) == terminal && states.get(i) == state) {
                    stacks.set(i, stacks.get(i).or(stack));
                    return;
                }
            }
            terminals.add(terminal);
            states.add(state);
            stacks.add(stack);
        }

        void addAll(Closure closure) {
            complete |= closure.complete();
            for (int i = 0; i < closure.terminals().length; i++) {
                if (closure.terminals()[i].goesOn(Terminal.START)) {
                    add(closure.terminals()[i], Terminal.START, closure.stacks()[i]);
                }
            }
        }
    }
}

package io.baton.common.grammar;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What follows a terminal: program states to go on from, each with what follows its rule. Several
 * ways to the same place in a text share what is below them, so that an ambiguous schema stays
 * cheap (a graph-structured stack, Tomita 1985). Immutable but for the lazily computed {@link
 * Closure}, which is the same whoever computes it.
 */
final class Stack {
    /** Follows the whole: nothing. */
    static final Stack BOTTOM = new Stack(new int[0], new Stack[0], 0);

    /** Sorted, distinct. */
    private final int[] resume;

    private final Stack[] below;
    private final int depth;
    private volatile @Nullable Closure closure;

    private Stack(int[] resume, Stack[] below, int depth) {
        this.resume = resume;
        this.below = below;
        this.depth = depth;
    }

    /** After a terminal of the same rule. */
    static Stack next(int state, Stack below) {
        return new Stack(new int[] {state}, new Stack[] {below}, below.depth);
    }

    /** After a call. */
    static Stack call(int state, Stack below) {
        return new Stack(new int[] {state}, new Stack[] {below}, below.depth + 1);
    }

    int size() {
        return resume.length;
    }

    int resume(int i) {
        return resume[i];
    }

    Stack below(int i) {
        return below[i];
    }

    /** Calls in waiting, on the longest way down. */
    int depth() {
        return depth;
    }

    /** Where a text can be after the terminal. */
    Closure closure(Program program) {
        Closure known = closure;
        if (known == null) {
            known = Closure.of(program, this);
            closure = known;
        }
        return known;
    }

    /** Both ways; {@code this} itself if the other adds nothing. */
    Stack or(Stack other) {
        if (this == other) {
            return this;
        }
        int[] states = new int[resume.length + other.resume.length];
        Stack[] stacks = new Stack[states.length];
        int size = 0;
        int a = 0;
        int b = 0;
        boolean grown = false;
        while (a < resume.length || b < other.resume.length) {
            if (b == other.resume.length || a < resume.length && resume[a] < other.resume[b]) {
                states[size] = resume[a];
                stacks[size++] = below[a++];
            } else if (a == resume.length || resume[a] > other.resume[b]) {
                states[size] = other.resume[b];
                stacks[size++] = other.below[b++];
                grown = true;
            } else {
                states[size] = resume[a];
                stacks[size] = below[a].or(other.below[b]);
                grown |= stacks[size] != below[a];
                size++;
                a++;
                b++;
            }
        }
        return grown
                ? new Stack(
                        Arrays.copyOf(states, size),
                        Arrays.copyOf(stacks, size),
                        Math.max(depth, other.depth))
                : this;
    }
}

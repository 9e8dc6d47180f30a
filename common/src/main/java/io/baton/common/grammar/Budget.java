package io.baton.common.grammar;

/**
 * What one constraint's automata may cost all together: table cells that are kept and steps of
 * building them. Counts, never times, so that every machine comes to the same verdict. One thread.
 */
final class Budget {
    private long cells;
    private long steps;

    /** Table cells spent so far. */
    long cells() {
        return cells;
    }

    /**
     * @throws Refusal beyond {@link GrammarLimits#MAX_CELLS}
     */
    void spendCells(long more) {
        cells += more;
        if (cells > GrammarLimits.MAX_CELLS) {
            throw Refusal.invalid(
                    "its automata need more than %d cells; make patterns, lists and counts smaller"
                            .formatted(GrammarLimits.MAX_CELLS));
        }
    }

    /**
     * @throws Refusal beyond {@link GrammarLimits#MAX_BUILD_STEPS}
     */
    void spendSteps(long more) {
        steps += more;
        if (steps > GrammarLimits.MAX_BUILD_STEPS) {
            throw Refusal.invalid(
                    "its automata take more than %d steps to build; make patterns, lists and counts smaller"
                            .formatted(GrammarLimits.MAX_BUILD_STEPS));
        }
    }
}

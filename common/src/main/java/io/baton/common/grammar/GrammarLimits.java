package io.baton.common.grammar;

/**
 * Bounds on constraints. They are counts, never times: router and workers come to the same verdict
 * on every machine.
 */
public final class GrammarLimits {
    /** Most schema objects in a JSON schema, each counted where it is written. */
    public static final int MAX_SCHEMA_NODES = 512;

    /** Deepest nesting of schema objects. */
    public static final int MAX_SCHEMA_DEPTH = 32;

    /** Most calls that wait for their rule at one time: the depth of recursion of an answer. */
    public static final int MAX_CALL_DEPTH = 64;

    /** Most UTF-16 units of a regular expression. */
    public static final int MAX_REGEX_CHARACTERS = 8192;

    /** Deepest nesting of groups in a regular expression. */
    public static final int MAX_REGEX_DEPTH = 64;

    /** Greatest count in {@code {m,n}}. */
    public static final int MAX_REPEAT = 4096;

    /** Most states of a nondeterministic automaton. */
    static final int MAX_NFA_STATES = 64 << 10;

    /** Most states of a deterministic automaton. */
    static final int MAX_DFA_STATES = 16 << 10;

    /** Most table cells of all automata of one constraint. */
    static final int MAX_CELLS = 2 << 20;

    /** Most steps that building all automata of one constraint takes. */
    static final int MAX_BUILD_STEPS = 16 << 20;

    /** Most states of a program. */
    static final int MAX_PROGRAM_STATES = 16 << 10;

    /** Most strings of a choice. */
    public static final int MAX_CHOICES = 1024;

    /** Longest string that a schema's {@code minLength} or {@code maxLength} can name. */
    static final int MAX_TEXT_LENGTH = 1 << 20;

    private GrammarLimits() {}
}

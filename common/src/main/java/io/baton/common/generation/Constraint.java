package io.baton.common.generation;

/**
 * A language that an answer must be of. Only its text travels: each worker compiles it for itself,
 * and what may come next is a pure function of (constraint, tokens so far).
 *
 * @param kind how {@code text} is read
 * @param text the language, see {@link Kind}
 */
public record Constraint(Kind kind, String text) {
    /** Most UTF-16 units of a constraint's text. */
    public static final int MAX_CHARACTERS = 256 << 10;

    /** The ways to say a language. */
    public enum Kind {
        /** A JSON Schema: the answer is one JSON value that is valid under it. */
        JSON_SCHEMA("json_schema"),
        /** Any JSON object; the text is empty. */
        JSON_OBJECT("json_object"),
        /** A regular expression that the whole answer matches. */
        REGEX("regex"),
        /** A JSON array of strings, one of which is the answer. */
        CHOICE("choice"),
        /** Calls of tools: the JSON that {@code ToolGrammar} reads. */
        TOOLS("tools");

        private final String wire;

        Kind(String wire) {
            this.wire = wire;
        }

        /** The spelling between router and workers. */
        public String wire() {
            return wire;
        }
    }

    /** Any JSON object. */
    public static Constraint jsonObject() {
        return new Constraint(Kind.JSON_OBJECT, "");
    }
}

package io.baton.common.text.jinja;

/**
 * Why a template could not be parsed or rendered; {@link JinjaTemplate} turns it into the error
 * that callers see.
 */
final class TemplateFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Whose doing the failure is. */
    enum Kind {
        /** The source is not a template. */
        SYNTAX,
        /** The template called {@code raise_exception}. */
        RAISED,
        /** An operation failed with these values. */
        OPERATION,
        /** A limit was met. */
        LIMIT
    }

    private final Kind kind;
    private final int at;

    private TemplateFailure(Kind kind, String message, int at) {
        super(message, null, false, false);
        this.kind = kind;
        this.at = at;
    }

    static TemplateFailure syntax(String message, int at) {
        return new TemplateFailure(Kind.SYNTAX, message, at);
    }

    static TemplateFailure raised(String message) {
        return new TemplateFailure(Kind.RAISED, message, -1);
    }

    static TemplateFailure operation(String message) {
        return new TemplateFailure(Kind.OPERATION, message, -1);
    }

    static TemplateFailure limit(String message) {
        return new TemplateFailure(Kind.LIMIT, message, -1);
    }

    Kind kind() {
        return kind;
    }

    /** Offset in the source, or -1 where the evaluator knows it. */
    int at() {
        return at;
    }

    /** The message, never null. */
    String text() {
        String message = getMessage();
        return message == null ? kind.name() : message;
    }
}

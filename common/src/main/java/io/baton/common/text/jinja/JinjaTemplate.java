package io.baton.common.text.jinja;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.text.PromptText;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** A parsed template. Immutable; safe for any thread. */
public final class JinjaTemplate {
    private final String source;
    private final List<Stmt> statements;
    private final Limits limits;

    private JinjaTemplate(String source, List<Stmt> statements, Limits limits) {
        this.source = source;
        this.statements = statements;
        this.limits = limits;
    }

    /**
     * Parses a template.
     *
     * @throws BatonException MODEL_FILE_INVALID, with line and column, if it is no template or uses
     *     what is not supported
     */
    public static JinjaTemplate parse(String source, Limits limits) {
        if (source.length() > limits.sourceChars()) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "the chat template has %d characters, more than the limit of %d"
                            .formatted(source.length(), limits.sourceChars()));
        }
        String normalized = Lexer.normalized(source);
        try {
            return new JinjaTemplate(normalized, StatementParser.parse(normalized, limits), limits);
        } catch (TemplateFailure failure) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "the chat template cannot be parsed: %s (%s); give another one with"
                                    .formatted(failure.text(), place(normalized, failure.at()))
                            + " --chat-template",
                    null,
                    failure);
        }
    }

    /**
     * Renders.
     *
     * @param variables what the template can see
     * @param clock the time that {@code strftime_now} tells, in the clock's zone
     * @throws BatonException INVALID_REQUEST with the template's own message if it refuses the
     *     input, or with line and column if it fails with it or takes more than the limits
     */
    public PromptText render(Map<String, TemplateValue> variables, Clock clock) {
        Budget budget = new Budget(limits);
        Evaluator evaluator = new Evaluator(budget, clock);
        Scope scope = new Scope(null);
        variables.forEach((name, value) -> scope.set(name, value.value()));
        try {
            return new Interpreter(evaluator).render(statements, scope).prompt();
        } catch (TemplateFailure failure) {
            throw failed(failure, evaluator.at());
        }
    }

    private BatonException failed(TemplateFailure failure, int at) {
        String message =
                switch (failure.kind()) {
                    case RAISED ->
                            "the model's chat template refuses these messages: " + failure.text();
                    case OPERATION ->
                            "the model's chat template fails with this input: %s (%s)"
                                    .formatted(failure.text(), place(source, at));
                    case LIMIT, SYNTAX ->
                            "the model's chat template goes beyond its limits with this input: %s"
                                            .formatted(failure.text())
                                    + " (%s)".formatted(place(source, at));
                };
        return new BatonException(ErrorCode.INVALID_REQUEST, message, "messages", failure);
    }

    /** Whether the template walks over something named so: over the parts of a message, say. */
    public boolean iteratesOver(String name) {
        return Inspection.iteratesOver(statements, name);
    }

    private static String place(String source, int at) {
        int offset = Math.clamp(at, 0, source.length());
        int line = 1;
        for (int i = source.indexOf('\n'); i >= 0 && i < offset; i = source.indexOf('\n', i + 1)) {
            line++;
        }
        int column = offset - source.lastIndexOf('\n', offset - 1);
        return "line %d, column %d".formatted(line, column);
    }
}

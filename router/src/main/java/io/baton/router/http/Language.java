package io.baton.router.http;

import io.baton.common.generation.Constraint;
import io.baton.common.grammar.Grammars;
import io.baton.common.openai.ConstraintOption;
import io.baton.common.openai.GenerationOptions;
import io.baton.common.openai.ToolUse;
import io.baton.common.tools.Tool;
import io.baton.common.tools.ToolConstraint;
import io.baton.common.tools.ToolStyle;
import io.baton.router.registry.ServedText;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an answer may be: any text, a constrained one, or one with calls of tools.
 *
 * @param asked the constraint and the field that it came of; null for any text
 * @param style the syntax of calls; null where none may be made
 * @param parallel whether one answer may make several calls
 * @param shownTokens marks of calls that are control tokens
 */
record Language(
        @Nullable ConstraintOption asked,
        @Nullable ToolStyle style,
        boolean parallel,
        Set<Integer> shownTokens) {

    /** Of a request without tools. */
    static Language of(GenerationOptions options) {
        return new Language(options.sampling().constraint(), null, false, Set.of());
    }

    /**
     * Of a request with tools: calls that must be made are constrained, and so are all calls where
     * a tool is strict.
     *
     * @param style null if there are no tools
     */
    static Language of(
            GenerationOptions options,
            ToolUse tools,
            @Nullable ToolStyle style,
            ServedText.Chat chat) {
        if (style == null) {
            return of(options);
        }
        boolean required = tools.choice() == ToolUse.Choice.REQUIRED;
        boolean held = required || tools.tools().stream().anyMatch(Tool::strict);
        Constraint constraint =
                held ? ToolConstraint.of(style, tools.tools(), tools.parallel(), !required) : null;
        Set<Integer> shown =
                chat.toolMarks().entrySet().stream()
                        .filter(mark -> style.markers().contains(mark.getKey()))
                        .map(Map.Entry::getValue)
                        .collect(Collectors.toUnmodifiableSet());
        return new Language(
                constraint == null ? null : new ConstraintOption(constraint, "tools"),
                style,
                tools.parallel(),
                shown);
    }

    /**
     * Compiles the constraint, so that what is wrong with it is said before any worker hears of it.
     *
     * @throws io.baton.common.error.BatonException a 400 naming the field
     */
    void check(Grammars grammars) {
        if (asked != null) {
            grammars.compile(asked.constraint(), asked.param());
        }
    }

    @Nullable Constraint constraint() {
        return asked == null ? null : asked.constraint();
    }

    /**
     * How calls are found; null where none may be made.
     *
     * @param random makes the calls' ids
     */
    @Nullable ToolPlan tools(RandomGenerator random) {
        return style == null ? null : ToolPlan.of(style, random.nextLong(), parallel);
    }
}

package io.baton.kv.testkit;

import io.baton.kv.channel.ucx.UcxLibrary;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Runs where UCX is installed; elsewhere says loudly that nothing was tested. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(UcxHere.Condition.class)
public @interface UcxHere {
    /** Looks once. */
    final class Condition implements ExecutionCondition {
        private static final UcxLibrary FOUND = UcxLibrary.find();

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            if (FOUND.usable()) {
                return ConditionEvaluationResult.enabled(FOUND.detail());
            }
            System.err.printf("SKIPPED: %s: %s%n", context.getDisplayName(), FOUND.detail());
            return ConditionEvaluationResult.disabled(FOUND.detail());
        }
    }
}

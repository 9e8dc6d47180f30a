package io.baton.common.text.jinja;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks at a parsed template without running it. */
final class Inspection {
    private Inspection() {}

    /** Whether a {@code for} walks over a variable, member or item of that name. */
    static boolean iteratesOver(List<Stmt> statements, String name) {
        Deque<Stmt> left = new ArrayDeque<>(statements);
        while (!left.isEmpty()) {
            Stmt statement = left.pop();
            if (statement instanceof Stmt.For loop && names(loop.items(), name)) {
                return true;
            }
            bodies(statement, left);
        }
        return false;
    }

    private static void bodies(Stmt statement, Deque<Stmt> into) {
        switch (statement) {
            case Stmt.If conditional -> {
                conditional.branches().forEach(branch -> into.addAll(branch.body()));
                into.addAll(conditional.otherwise());
            }
            case Stmt.For loop -> {
                into.addAll(loop.body());
                into.addAll(loop.otherwise());
            }
            case Stmt.AssignBlock block -> into.addAll(block.body());
            case Stmt.Macro macro -> into.addAll(macro.body());
            case Stmt.CallBlock block -> into.addAll(block.body());
            case Stmt.FilterBlock block -> into.addAll(block.body());
            case Stmt.With with -> into.addAll(with.body());
            case Stmt.Generation generation -> into.addAll(generation.body());
            case Stmt.Data _, Stmt.Output _, Stmt.Assign _, Stmt.Break _, Stmt.Continue _ -> {}
        }
    }

    /** Whether the expression, seen through filters and slices, is what has that name. */
    private static boolean names(Expr expr, String name) {
        @Nullable Expr current = expr;
        while (current != null) {
            switch (current) {
                case Expr.Filtered filtered -> current = filtered.input();
                case Expr.Slice slice -> current = slice.target();
                case Expr.Name variable -> {
                    return variable.name().equals(name);
                }
                case Expr.Attribute attribute -> {
                    return attribute.name().equals(name);
                }
                case Expr.Item item -> {
                    return item.index() instanceof Expr.Const literal
                            && literal.value() instanceof StrValue text
                            && text.text().equals(name);
                }
                default -> {
                    return false;
                }
            }
        }
        return false;
    }
}

package io.baton.common.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement. */
sealed interface Stmt {
    /** Template data. */
    record Data(StrValue text) implements Stmt {}

    /** {@code {{ value }}}. */
    record Output(Expr value) implements Stmt {}

    /** {@code if}, {@code elif}, {@code else}. */
    record If(List<Branch> branches, List<Stmt> otherwise) implements Stmt {}

    /** One condition with its body. */
    record Branch(Expr condition, List<Stmt> body) {}

    /** {@code for target in items if filter}. */
    record For(
            Target target, Expr items, @Nullable Expr filter, List<Stmt> body, List<Stmt> otherwise)
            implements Stmt {}

    /** {@code set target = value}. */
    record Assign(Target target, Expr value) implements Stmt {}

    /** {@code set target}...{@code endset}; the filter's innermost input is the body. */
    record AssignBlock(Target target, Expr.@Nullable Filtered filter, List<Stmt> body)
            implements Stmt {}

    /** {@code macro}. */
    record Macro(String name, Signature signature, List<Stmt> body) implements Stmt {}

    /** {@code call(parameters) callee(arguments)}...{@code endcall}. */
    record CallBlock(Expr.Call call, Signature signature, List<Stmt> body) implements Stmt {}

    /** {@code filter name}...{@code endfilter}. */
    record FilterBlock(Expr.Filtered filter, List<Stmt> body) implements Stmt {}

    /** {@code with a = 1}...{@code endwith}. */
    record With(List<Assign> assignments, List<Stmt> body) implements Stmt {}

    /** {@code generation}...{@code endgeneration}: what the assistant wrote. */
    record Generation(List<Stmt> body) implements Stmt {}

    record Break() implements Stmt {}

    record Continue() implements Stmt {}

    /**
     * The parameters of a macro.
     *
     * @param parameters in order
     * @param usesCaller whether the body mentions {@code caller}
     * @param usesVarargs whether the body mentions {@code varargs}
     * @param usesKwargs whether the body mentions {@code kwargs}
     */
    record Signature(
            List<Parameter> parameters,
            boolean usesCaller,
            boolean usesVarargs,
            boolean usesKwargs) {}

    /** One parameter. */
    record Parameter(String name, @Nullable Expr defaultValue) {}

    /** What can be assigned to. {@code at} is its place in the source. */
    sealed interface Target {
        int at();

        record Variable(String name, int at) implements Target {}

        /** {@code namespace.member}. */
        record Member(String namespace, String member, int at) implements Target {}

        record Unpack(List<Target> targets, int at) implements Target {}
    }
}

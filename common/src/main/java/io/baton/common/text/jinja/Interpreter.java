package io.baton.common.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs the statements of one render. */
final class Interpreter {
    /** How a body ended. */
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Evaluator evaluator;
    private final Budget budget;

    Interpreter(Evaluator evaluator) {
        this.evaluator = evaluator;
        this.budget = evaluator.budget();
    }

    /** Runs a whole template. */
    StrValue render(List<Stmt> statements, Scope scope) {
        return capture(statements, scope);
    }

    private StrValue capture(List<Stmt> body, Scope scope) {
        TextBuilder out = new TextBuilder(budget);
        run(body, scope, out);
        return out.toValue();
    }

    private Flow run(List<Stmt> body, Scope scope, TextBuilder out) {
        budget.enter();
        Flow flow = Flow.NEXT;
        for (int i = 0; i < body.size() && flow == Flow.NEXT; i++) {
            flow = run(body.get(i), scope, out);
        }
        budget.leave();
        return flow;
    }

    private Flow run(Stmt statement, Scope scope, TextBuilder out) {
        switch (statement) {
            case Stmt.Data data -> out.append(data.text());
            case Stmt.Output output ->
                    out.append(Printer.str(evaluator.eval(output.value(), scope), budget));
            case Stmt.If conditional -> {
                return run(conditional, scope, out);
            }
            case Stmt.For loop -> run(loop, scope, out);
            case Stmt.Assign assign ->
                    assign(assign.target(), evaluator.eval(assign.value(), scope), scope);
            case Stmt.AssignBlock block -> {
                Value text = capture(block.body(), new Scope(scope));
                Expr.Filtered filter = block.filter();
                assign(
                        block.target(),
                        filter == null ? text : evaluator.filtered(filter, text, scope),
                        scope);
            }
            case Stmt.Macro macro ->
                    scope.set(
                            macro.name(),
                            macro(macro.name(), macro.signature(), macro.body(), scope));
            case Stmt.CallBlock block -> out.append(call(block, scope));
            case Stmt.FilterBlock block -> {
                Value text = capture(block.body(), new Scope(scope));
                Value filtered = evaluator.filtered(block.filter(), text, scope);
                out.append(Printer.str(filtered, budget));
            }
            case Stmt.With with -> {
                Scope inner = new Scope(scope);
                for (Stmt.Assign assign : with.assignments()) {
                    assign(assign.target(), evaluator.eval(assign.value(), scope), inner);
                }
                return run(with.body(), inner, out);
            }
            case Stmt.Generation generation -> run(generation.body(), new Scope(scope), out);
            case Stmt.Break _ -> {
                return Flow.BREAK;
            }
            case Stmt.Continue _ -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private Flow run(Stmt.If conditional, Scope scope, TextBuilder out) {
        for (Stmt.Branch branch : conditional.branches()) {
            if (Operators.truth(evaluator.eval(branch.condition(), scope))) {
                return run(branch.body(), scope, out);
            }
        }
        return run(conditional.otherwise(), scope, out);
    }

    private void run(Stmt.For loop, Scope scope, TextBuilder out) {
        List<Value> items = Operators.iterate(evaluator.eval(loop.items(), scope), budget);
        Scope inner = new Scope(scope);
        Expr filter = loop.filter();
        if (filter != null) {
            List<Value> kept = new ArrayList<>();
            for (Value item : items) {
                inner.clear();
                assign(loop.target(), item, inner);
                if (Operators.truth(evaluator.eval(filter, inner))) {
                    kept.add(item);
                }
            }
            items = kept;
        }
        // As in jinja2, else runs unless a round came to its end: a break or continue in each
        // round is as good as no round.
        if (!rounds(loop, items, inner, out)) {
            run(loop.otherwise(), scope, out);
        }
    }

    /** Runs the rounds of a loop; returns whether one of them came to its end. */
    private boolean rounds(Stmt.For loop, List<Value> items, Scope inner, TextBuilder out) {
        int depth0 = inner.find("loop") instanceof LoopValue outer ? outer.depth0() + 1 : 0;
        LoopValue state = new LoopValue(items, depth0);
        boolean completed = false;
        for (int i = 0; i < items.size(); i++) {
            inner.clear();
            state.moveTo(i);
            inner.set("loop", state);
            assign(loop.target(), items.get(i), inner);
            switch (run(loop.body(), inner, out)) {
                case NEXT -> completed = true;
                case CONTINUE -> {}
                case BREAK -> {
                    return completed;
                }
            }
        }
        return completed;
    }

    private void assign(Stmt.Target target, Value value, Scope scope) {
        switch (target) {
            case Stmt.Target.Variable variable -> scope.set(variable.name(), value);
            case Stmt.Target.Member member -> {
                evaluator.at(member.at());
                if (!(scope.find(member.namespace()) instanceof NamespaceValue namespace)) {
                    throw TemplateFailure.operation(
                            "cannot assign attribute on non-namespace object");
                }
                namespace.put(member.member(), value);
            }
            case Stmt.Target.Unpack unpack -> {
                evaluator.at(unpack.at());
                List<Value> values = Operators.iterate(Operators.defined(value), budget);
                int expected = unpack.targets().size();
                if (values.size() != expected) {
                    throw TemplateFailure.operation(
                            values.size() < expected
                                    ? "not enough values to unpack (expected %d, got %d)"
                                            .formatted(expected, values.size())
                                    : "too many values to unpack (expected %d)"
                                            .formatted(expected));
                }
                for (int i = 0; i < expected; i++) {
                    assign(unpack.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private Value.Callable macro(
            String name, Stmt.Signature signature, List<Stmt> body, Scope definedIn) {
        return new Value.Callable(
                name,
                (caller, arguments) -> {
                    budget.enter();
                    Scope scope = new Scope(definedIn);
                    bind(name, signature, arguments, scope);
                    Value text = capture(body, scope);
                    budget.leave();
                    return text;
                });
    }

    private void bind(String name, Stmt.Signature signature, Arguments given, Scope scope) {
        List<Stmt.Parameter> parameters = signature.parameters();
        List<Value> positional = given.positional();
        for (int i = 0; i < parameters.size(); i++) {
            Stmt.Parameter parameter = parameters.get(i);
            Value value = i < positional.size() ? positional.get(i) : null;
            Value named = given.named().get(parameter.name());
            if (named != null && value != null) {
                throw TemplateFailure.operation(
                        "macro '%s' got multiple values for argument '%s'"
                                .formatted(name, parameter.name()));
            }
            value = value == null ? named : value;
            scope.set(parameter.name(), value == null ? missing(parameter, scope) : value);
        }
        bindSpecial(name, signature, given, scope);
    }

    private Value missing(Stmt.Parameter parameter, Scope scope) {
        Expr defaultValue = parameter.defaultValue();
        return defaultValue == null
                ? Value.Undefined.because(
                        parameter.name(), "parameter '" + parameter.name() + "' was not provided")
                : evaluator.eval(defaultValue, scope);
    }

    private static void bindSpecial(
            String name, Stmt.Signature signature, Arguments given, Scope scope) {
        int parameters = signature.parameters().size();
        List<Value> positional = given.positional();
        if (signature.usesVarargs()) {
            scope.set(
                    "varargs",
                    new Value.Tuple(
                            positional.size() <= parameters
                                    ? List.of()
                                    : positional.subList(parameters, positional.size())));
        } else if (positional.size() > parameters) {
            throw TemplateFailure.operation(
                    "macro '%s' takes not more than %d argument(s)".formatted(name, parameters));
        }
        DictValue rest = new DictValue();
        for (Map.Entry<String, Value> entry : given.named().entrySet()) {
            String key = entry.getKey();
            boolean known = signature.parameters().stream().anyMatch(one -> one.name().equals(key));
            if (key.equals("caller") && signature.usesCaller()) {
                scope.set(key, entry.getValue());
            } else if (!known && signature.usesKwargs()) {
                rest.put(StrValue.untrusted(key), entry.getValue());
            } else if (!known) {
                throw TemplateFailure.operation(
                        "macro '%s' takes no keyword argument '%s'".formatted(name, key));
            }
        }
        if (signature.usesKwargs()) {
            scope.set("kwargs", rest);
        }
        if (signature.usesCaller() && !given.named().containsKey("caller")) {
            scope.set("caller", Value.Undefined.because("caller", "No caller defined"));
        }
    }

    private StrValue call(Stmt.CallBlock block, Scope scope) {
        Value callee = evaluator.eval(block.call().callee(), scope);
        Arguments written = evaluator.arguments(block.call().args(), scope);
        Map<String, Value> named = new LinkedHashMap<>(written.named());
        named.put("caller", macro("caller", block.signature(), block.body(), scope));
        Value result =
                evaluator.call(
                        callee, new Arguments(written.positional(), named), block.call().at());
        return Printer.str(result, budget);
    }
}

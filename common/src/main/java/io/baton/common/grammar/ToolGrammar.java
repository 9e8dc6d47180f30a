package io.baton.common.grammar;

import io.baton.common.tools.ToolStyle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Calls of tools in a model family's own syntax, as {@code ToolConstraint} describes them: what is
 * written, the family's parser finds again, with arguments that are valid under the schemas.
 */
final class ToolGrammar {
    private final Program.Builder builder;
    private final Terminals terminals;
    private final ToolStyle style;
    private final List<CalledTool> tools;

    /**
     * @param schema of the arguments, null for any object
     */
    private record CalledTool(String name, @Nullable JsonNode schema) {}

    private ToolGrammar(
            Program.Builder builder, Terminals terminals, ToolStyle style, List<CalledTool> tools) {
        this.builder = builder;
        this.terminals = terminals;
        this.style = style;
        this.tools = tools;
    }

    /** Adds what a description says between two states. */
    static void compile(
            JsonNode spec, Program.Builder builder, Terminals terminals, int from, int to) {
        ToolStyle style =
                ToolStyle.named(spec.path("style").asString(""))
                        .orElseThrow(() -> Refusal.invalid("an unknown style of calls"));
        List<CalledTool> tools = new ArrayList<>();
        for (JsonNode tool : spec.path("tools")) {
            tools.add(new CalledTool(tool.path("name").asString(""), tool.get("schema")));
        }
        if (tools.isEmpty()) {
            throw Refusal.invalid("there is no tool to call");
        }
        ToolGrammar grammar = new ToolGrammar(builder, terminals, style, tools);
        int calls = from;
        if (spec.path("text").asBoolean(false)) {
            calls = grammar.text(from, to);
        }
        grammar.calls(calls, to, spec.path("many").asBoolean(false));
    }

    /** Text that begins no call; it may be the whole answer. Tells the state behind it. */
    private int text(int from, int to) {
        Regex any = new Regex.Repeat(new Regex.Chars(CodePoints.ALL), 0, -1);
        Dfa text = terminals.regex(any, Nfa.Writing.PLAIN);
        for (String opener : style.openers()) {
            text =
                    terminals.without(
                            text,
                            terminals.regex(
                                    Regex.concat(any, Regex.literal(opener), any),
                                    Nfa.Writing.PLAIN));
        }
        if (style.isBare()) {
            Regex space = new Regex.Repeat(new Regex.Chars(CodePoints.of(" \n\r\t")), 0, -1);
            text =
                    terminals.without(
                            text,
                            terminals.regex(
                                    Regex.concat(space, Regex.literal("{"), any),
                                    Nfa.Writing.PLAIN));
        }
        int behind = builder.take(from, text);
        builder.skip(behind, to);
        return behind;
    }

    private void calls(int from, int to, boolean many) {
        switch (style) {
            case HERMES -> {
                int open = opened(from, "\n");
                int after = call(open);
                int closed = builder.take(after, terminals.literal("\n"));
                int end = builder.take(closed, terminals.marker(style.closer()));
                builder.skip(end, to);
                if (many) {
                    int again = builder.take(end, terminals.literal("\n"));
                    builder.take(again, terminals.marker(style.openers().getFirst()), open(open));
                }
            }
            case SMOLLM, PHI4 -> {
                int end = listed(opened(from, ""), many);
                builder.take(end, terminals.marker(style.closer()), to);
            }
            case MISTRAL -> builder.skip(listed(opened(from, ""), many), to);
            case MISTRAL_ARGS -> {
                int start = builder.state();
                builder.skip(from, start);
                int end = builder.state();
                int named = opened(start, "");
                for (CalledTool tool : tools) {
                    int name = builder.take(named, terminals.literal(tool.name()));
                    arguments(tool, builder.take(name, terminals.marker("[ARGS]")), end);
                }
                builder.skip(end, to);
                if (many) {
                    builder.skip(end, start);
                }
            }
            case LLAMA3 -> builder.skip(call(from), to);
            case GEMMA -> {
                int after = call(opened(from, "\n"));
                builder.take(after, terminals.literal("\n```"), to);
            }
        }
    }

    /** A line end leads to the first call of another pair of markers. */
    private int open(int inner) {
        int line = builder.state();
        builder.take(line, terminals.literal("\n"), inner);
        return line;
    }

    private int opened(int from, String space) {
        int open = builder.take(from, terminals.marker(style.openers().getFirst()));
        return space.isEmpty() ? open : builder.take(open, terminals.literal(space));
    }

    /** Calls in a list. */
    private int listed(int from, boolean many) {
        int first = builder.take(from, terminals.literal("["));
        int after = call(first);
        if (many) {
            builder.take(after, terminals.literal(", "), first);
        }
        return builder.take(after, terminals.literal("]"));
    }

    /** One call's object; tells the state behind it. */
    private int call(int from) {
        int done = builder.state();
        for (CalledTool tool : tools) {
            String head =
                    "{\"name\": %s, \"%s\": "
                            .formatted(JsonWriting.quoted(tool.name()), style.argumentsKey());
            arguments(tool, builder.take(from, terminals.literal(head)), done);
        }
        return builder.take(done, terminals.literal("}"));
    }

    private void arguments(CalledTool tool, int from, int to) {
        JsonNode schema = tool.schema();
        if (schema == null) {
            new JsonValues(builder, terminals).object(from, to);
        } else {
            try {
                new SchemaCompiler(builder, terminals, schema).compile(from, to);
            } catch (Refusal e) {
                throw e.in("the parameters of " + tool.name());
            }
        }
    }
}

package io.baton.common.grammar;

import tools.jackson.databind.JsonNode;

/** Calls of tools in a model family's own syntax. */
final class ToolGrammar {
    private ToolGrammar() {}

    static void compile(
            JsonNode spec, Program.Builder builder, Terminals terminals, int from, int to) {
        throw Refusal.unsupported("calls of tools are not constrained yet");
    }
}

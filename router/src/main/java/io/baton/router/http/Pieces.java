package io.baton.router.http;

import io.baton.common.generation.FinishReason;
import io.baton.common.openai.Answer.End;
import io.baton.common.tools.ToolCallParser;
import io.baton.common.tools.ToolEvent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One choice's text, taken apart into what is for the reader and calls of tools. One thread. */
final class Pieces {
    private final @Nullable ToolCallParser parser;

    Pieces(@Nullable ToolPlan plan, int choice) {
        this.parser = plan == null ? null : plan.parser(choice);
    }

    /**
     * What more of the answer brings.
     *
     * @param calls beginnings and arguments of calls
     */
    record Piece(String text, List<ToolEvent> calls) {
        boolean isEmpty() {
            return text.isEmpty() && calls.isEmpty();
        }
    }

    Piece push(String text) {
        return parser == null ? new Piece(text, List.of()) : piece(parser.push(text));
    }

    /** The last of the answer. */
    Piece finish(String text) {
        if (parser == null) {
            return new Piece(text, List.of());
        }
        List<ToolEvent> events = new ArrayList<>(parser.push(text));
        events.addAll(parser.finish());
        return piece(events);
    }

    /** Why the choice ended: an answer that stopped after calls was made for them. */
    End end(End said) {
        return parser != null && parser.calls() > 0 && said.reason() == FinishReason.STOP
                ? new End(FinishReason.TOOL_CALLS, said.stopText(), said.stopToken())
                : said;
    }

    private static Piece piece(List<ToolEvent> events) {
        StringBuilder text = new StringBuilder();
        List<ToolEvent> calls = new ArrayList<>();
        for (ToolEvent event : events) {
            if (event instanceof ToolEvent.Text(String more)) {
                text.append(more);
            } else {
                calls.add(event);
            }
        }
        return new Piece(text.toString(), calls);
    }
}

package io.baton.router.registry;

import io.baton.common.grammar.Grammars;
import io.baton.common.openai.ChatMessage;
import io.baton.common.openai.TextRequests.TemplateUse;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.tools.ToolStyle;
import io.baton.common.worker.ModelText;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's language: its tokenizer, its chat template if it has one, and what compiles constraints
 * for it. Safe for any thread.
 */
public record ServedText(Tokenizer tokenizer, Optional<Chat> chat, Grammars grammars) {
    /** With grammars of its own. */
    public ServedText(Tokenizer tokenizer, Optional<Chat> chat) {
        this(tokenizer, chat, Grammars.of(tokenizer));
    }

    /** Writes a conversation as a prompt. */
    @FunctionalInterface
    public interface Chat {
        /**
         * @throws io.baton.common.error.BatonException a 400 if the template refuses the messages
         */
        PromptText render(List<ChatMessage> messages, TemplateUse use);

        /** The syntax of calls that the template's models write; empty if it is none we know. */
        default Optional<ToolStyle> toolStyle() {
            return Optional.empty();
        }

        /** Marks of calls that are control tokens of the model, by name. */
        default Map<String, Integer> toolMarks() {
            return Map.of();
        }

        /** Texts that end an answer under this template, beside those of the request. */
        default List<String> stops() {
            return List.of();
        }
    }

    /** Makes a served text from a model's artifacts. */
    @FunctionalInterface
    public interface Factory {
        /**
         * @throws io.baton.common.error.BatonException MODEL_FILE_INVALID
         */
        ServedText build(ModelText text);

        /** The same where the operator says how models write tool calls. */
        default Factory withToolStyle(Optional<ToolStyle> style) {
            return this;
        }
    }
}

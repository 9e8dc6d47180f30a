package io.baton.router.registry;

import io.baton.common.generation.SamplingChoice;
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
 * A model's language: its tokenizer, its chat template if it has one, the sampling it recommends,
 * and what compiles constraints for it. Safe for any thread.
 */
public record ServedText(
        Tokenizer tokenizer, Optional<Chat> chat, SamplingChoice recommended, Grammars grammars) {
    /** With grammars of its own. */
    public ServedText(Tokenizer tokenizer, Optional<Chat> chat, SamplingChoice recommended) {
        this(tokenizer, chat, recommended, Grammars.of(tokenizer));
    }

    /**
     * What the operator says of how models are served.
     *
     * @param toolStyle how they write tool calls; empty: as their chat templates say
     * @param recommendations whether the sampling that a model recommends is used
     */
    public record Wishes(Optional<ToolStyle> toolStyle, boolean recommendations) {
        /** All as the models say. */
        public static final Wishes NONE = new Wishes(Optional.empty(), true);
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

        /** The same under what the operator says. */
        default Factory with(Wishes wishes) {
            return this;
        }
    }
}

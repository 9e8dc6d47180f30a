package io.baton.router.registry;

import io.baton.common.openai.ChatMessage;
import io.baton.common.openai.TextRequests.TemplateUse;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.worker.ModelText;
import java.util.List;
import java.util.Optional;

/**
 * A model's language: its tokenizer, and its chat template if it has one. Immutable; safe for any
 * thread.
 */
public record ServedText(Tokenizer tokenizer, Optional<Chat> chat) {
    /** Writes a conversation as a prompt. */
    @FunctionalInterface
    public interface Chat {
        /**
         * @throws io.baton.common.error.BatonException a 400 if the template refuses the messages
         */
        PromptText render(List<ChatMessage> messages, TemplateUse use);

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
    }
}

package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The templates that {@code --chat-template NAME} knows: our own texts of well-known formats. */
public final class ChatTemplates {
    private static final String CHATML =
            """
            {%- for message in messages -%}
            {{ '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}
            """;

    private static final String PLAIN_TURN =
            """
            {{- bos_token | default('') }}
            {%- set names = {'system': 'System', 'developer': 'System', 'user': 'User', \
            'assistant': 'Assistant'} -%}
            {%- for message in messages -%}
            {%- if message.role not in names -%}
            {{ raise_exception('this plain template knows the roles system, developer, user and \
            assistant only, not ' ~ message.role) }}
            {%- endif -%}
            {{ names[message.role] ~ ': ' ~ message.content | trim }}
            {%- if not loop.last or add_generation_prompt %}{{ '\\n' }}{% endif -%}
            {%- endfor -%}
            {%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif -%}
            """;

    private static final String GEMMA =
            """
            {{- bos_token | default('') }}
            {%- set system = '' -%}
            {%- set turns = messages -%}
            {%- if messages and messages[0].role in ['system', 'developer'] -%}
            {%- set system = messages[0].content | trim ~ '\\n\\n' -%}
            {%- set turns = messages[1:] -%}
            {%- endif -%}
            {%- for message in turns -%}
            {%- if message.role != ('user' if loop.index0 % 2 == 0 else 'assistant') -%}
            {{ raise_exception('Conversation roles must alternate user/assistant/user/...') }}
            {%- endif -%}
            {{ '<start_of_turn>' ~ ('model' if message.role == 'assistant' else 'user') ~ '\\n' }}
            {%- if loop.first %}{{ system }}{% endif -%}
            {{ message.content | trim ~ '<end_of_turn>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif -%}
            """;

    private static final String LLAMA3 =
            """
            {{- bos_token | default('<|begin_of_text|>') }}
            {%- for message in messages -%}
            {{ '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\\n\\n' \
            ~ message.content | trim ~ '<|eot_id|>' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}
            {{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
            {%- endif -%}
            """;

    private static final Map<String, String> ALL =
            Map.of(
                    "chatml", CHATML,
                    "plain-turn", PLAIN_TURN,
                    "gemma", GEMMA,
                    "llama3", LLAMA3);

    private ChatTemplates() {}

    /**
     * Texts that end an answer under this template beside the model's own end tokens: a base model
     * that answers in plain turns goes on with the user's next turn.
     */
    public static List<String> stops(String source) {
        return source.equals(PLAIN_TURN) ? List.of("\nUser:") : List.of();
    }

    /** The source of a template, if there is one of that name. */
    public static Optional<String> find(String name) {
        return Optional.ofNullable(ALL.get(name));
    }

    /**
     * The source of a template.
     *
     * @throws BatonException CONFIGURATION if there is none of that name
     */
    public static String named(String name) {
        return find(name)
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.CONFIGURATION,
                                        "no chat template is named '%s'; there are %s, or give a file"
                                                .formatted(
                                                        name,
                                                        String.join(
                                                                ", ", new TreeMap<>(ALL).keySet())),
                                        "chat-template"));
    }
}

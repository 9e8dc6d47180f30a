package io.baton.common.openai;

import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * What happens to one request field.
 *
 * @param name as in the JSON body
 * @param endpoints where the rule applies
 * @param treatment honoured, without effect, or refused
 * @param values allowed values, for people
 * @param note what it does, or why it is refused
 * @param harmless for a refused field: values that change nothing and are therefore let through
 */
public record RequestField(
        String name,
        Set<Endpoint> endpoints,
        Treatment treatment,
        String values,
        String note,
        Predicate<JsonNode> harmless) {
    /** The three ways a field can be treated; nothing is ignored silently. */
    public enum Treatment {
        HONOURED("honoured"),
        /** Accepted, documented to have no effect. */
        NO_EFFECT("no effect"),
        /** 400 {@code unsupported_parameter} naming the field. */
        REFUSED("refused");

        private final String label;

        Treatment(String label) {
            this.label = label;
        }

        /** For the documentation. */
        public String label() {
            return label;
        }
    }

    public RequestField {
        endpoints = Set.copyOf(endpoints);
    }
}

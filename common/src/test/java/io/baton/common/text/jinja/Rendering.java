package io.baton.common.text.jinja;

import io.baton.common.text.PromptText;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;

/** Renders a template with variables that all come from a user, at a fixed time. */
final class Rendering {
    static final Clock CLOCK = Clock.fixed(Instant.parse("2026-07-04T09:05:03Z"), ZoneOffset.UTC);

    private Rendering() {}

    static PromptText render(String source, Map<?, ?> variables) {
        return render(source, variables, Limits.DEFAULT);
    }

    static PromptText render(String source, Map<?, ?> variables, Limits limits) {
        return JinjaTemplate.parse(source, limits).render(untrusted(variables), CLOCK);
    }

    static Map<String, TemplateValue> untrusted(Map<?, ?> variables) {
        Map<String, TemplateValue> values = new LinkedHashMap<>();
        variables.forEach(
                (name, value) -> values.put((String) name, TemplateValue.untrusted(value)));
        return values;
    }
}

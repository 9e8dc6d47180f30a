package io.baton.router.dispatch;

import io.baton.common.openai.OpenAiJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where one request's time went, complete: queue, then each answer's stages. Immutable.
 *
 * @param id the request's id
 * @param model the served name
 * @param queueNanos time before it was its turn
 * @param outcome finished, or an error's code
 */
public record RequestLedger(
        String id,
        String model,
        long queueNanos,
        String outcome,
        @Nullable String sessionId,
        List<SequenceLedger> sequences) {
    public RequestLedger {
        sequences = List.copyOf(sequences);
    }

    /** As JSON: with the candidates of each decision, or short enough for a header. */
    public String toJson(boolean full) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("id", id);
        map.put("model", model);
        map.put("outcome", outcome);
        map.put("queue_ms", SequenceLedger.millis(queueNanos));
        if (sessionId != null && full) {
            map.put("session_id", sessionId);
        }
        map.put("answers", sequences.stream().map(s -> s.toMap(full)).toList());
        return new String(OpenAiJson.plain(map), StandardCharsets.UTF_8);
    }
}

package io.baton.router.registry;

import io.baton.common.kv.KvLayout;
import io.baton.common.proto.ModelCard;
import io.baton.router.route.ClusterSnapshot;
import java.util.List;
import java.util.Optional;

/**
 * The live workers of one model at one moment.
 *
 * @param names served names: the model's own first
 * @param card the model, as the first worker described it
 * @param maxModelLen tokens of prompt and answer that every worker can take
 * @param text tokenizer and template; empty until they are there
 * @param joinedSeconds wall clock when the pool came to be, seconds since 1970
 */
public record PoolView(
        List<String> names,
        ModelCard card,
        KvLayout layout,
        int maxModelLen,
        Optional<ServedText> text,
        List<Worker> workers,
        long joinedSeconds) {
    public PoolView {
        names = List.copyOf(names);
        workers = List.copyOf(workers);
    }

    public String fingerprint() {
        return card.getFingerprint();
    }

    /** For decisions. */
    public ClusterSnapshot snapshot() {
        return new ClusterSnapshot(workers.stream().map(Worker::view).toList());
    }

    /** Whether a request can be served now. */
    public boolean isServable() {
        return text.isPresent()
                && workers.stream()
                        .anyMatch(worker -> worker.role().decodes() && !worker.isDraining());
    }
}

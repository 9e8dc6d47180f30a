package io.baton.router.registry;

import io.baton.common.kv.KvLayout;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Registration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One model's workers, as the first of them set it. Guarded by the registry's lock. */
final class Pool {
    final ModelCard card;
    final Registration first;
    final KvLayout layout;
    final long joinedSeconds;
    final Map<String, Worker> workers = new LinkedHashMap<>();

    Pool(Registration first, KvLayout layout, long joinedSeconds) {
        this.card = first.getModel();
        this.first = first;
        this.layout = layout;
        this.joinedSeconds = joinedSeconds;
    }

    List<String> names() {
        Set<String> names = new LinkedHashSet<>();
        for (Worker worker : workers.values()) {
            ModelCard model = worker.registration().getModel();
            names.add(model.getName());
            names.addAll(model.getAliasesList());
        }
        return List.copyOf(names);
    }
}

package io.baton.router.route;

import java.util.List;

/** The workers of one model at one moment. */
public record ClusterSnapshot(List<WorkerView> workers) {
    public ClusterSnapshot {
        workers = List.copyOf(workers);
    }
}

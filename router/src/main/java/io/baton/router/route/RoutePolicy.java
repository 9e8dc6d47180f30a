package io.baton.router.route;

/** Chooses workers. Pure: the same inputs give the same decision. */
public interface RoutePolicy {
    /** Chooses a decoder, and a prefiller or local prefill. */
    Decision decide(RequestFeatures request, ClusterSnapshot cluster, RouteConfig config);

    /**
     * Chooses anew who prefills for a decoder that is already at work.
     *
     * @param decoder a decoder of {@code cluster}
     */
    Decision.Routed decidePrefill(
            RequestFeatures request,
            WorkerView decoder,
            ClusterSnapshot cluster,
            RouteConfig config);
}

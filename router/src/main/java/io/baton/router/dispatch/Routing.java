package io.baton.router.dispatch;

import io.baton.router.route.Decision;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.WorkerView;
import java.util.Map;

/** Decisions for one request over what is alive now. */
interface Routing {
    /** Chooses decoder and prefiller. */
    Decision decide(RequestFeatures features);

    /** Chooses a prefiller for a decoder that is at work. */
    Decision.Routed decidePrefill(RequestFeatures features, WorkerView decoder);

    /** Worker id to leading tokens of the request that it probably holds. */
    Map<String, Integer> held();

    /** A worker will hold the request's prompt. */
    void placed(WorkerView worker);
}

package io.baton.router.route;

import java.util.Map;
import java.util.Set;

/**
 * What a decision knows of a request.
 *
 * @param requestId breaks ties between equal workers
 * @param knownTokens tokens whose KV must be there: prompt and tokens already emitted
 * @param newTokens tokens still to generate at most
 * @param heldTokens worker id to leading tokens that it probably holds
 * @param atDecoder whether the decoder must compute the whole prompt itself
 * @param failed ids of workers that failed or refused this request already
 */
public record RequestFeatures(
        String requestId,
        int knownTokens,
        int newTokens,
        Map<String, Integer> heldTokens,
        boolean atDecoder,
        Set<String> failed) {
    public RequestFeatures {
        heldTokens = Map.copyOf(heldTokens);
        failed = Set.copyOf(failed);
    }

    /** Leading tokens that a worker probably holds; the last known token is always computed. */
    int held(WorkerView worker) {
        return Math.min(heldTokens.getOrDefault(worker.id(), 0), Math.max(0, knownTokens - 1));
    }
}

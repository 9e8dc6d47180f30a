package io.baton.router.route;

import java.util.List;
import java.util.Optional;

/** What was decided, with the inputs that led to it. */
public sealed interface Decision {
    /** Why, for people. */
    String reason();

    /** Every worker that was looked at. */
    List<Candidate> candidates();

    /**
     * A worker that was looked at.
     *
     * @param purpose decode or prefill
     * @param seconds estimated work until it is done with the request; infinite if it was excluded
     * @param detail the estimate's parts, or why it was excluded
     */
    record Candidate(String worker, String purpose, double seconds, String detail) {}

    /**
     * The request goes to {@code decoder}.
     *
     * @param prefiller who computes the prompt; empty if the decoder does
     */
    record Routed(
            WorkerView decoder,
            Optional<WorkerView> prefiller,
            String reason,
            List<Candidate> candidates)
            implements Decision {
        public Routed {
            candidates = List.copyOf(candidates);
        }
    }

    /** No worker can take the request. */
    record Unroutable(String reason, List<Candidate> candidates) implements Decision {
        public Unroutable {
            candidates = List.copyOf(candidates);
        }
    }
}

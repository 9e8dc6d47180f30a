package io.baton.router.dispatch;

import com.google.protobuf.ByteString;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.router.registry.PoolView;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request that is ready to be generated: prompts are tokens, parameters complete.
 *
 * @param id the request's id
 * @param model the served name that the client asked for
 * @param answers what to generate; choice i is at index i
 * @param tenantSalt made by {@link TenantSalts}
 * @param service when it is served
 * @param startNanos reading of the ticker when the request arrived
 */
public record Job(
        String id,
        String model,
        PoolView pool,
        List<Answer> answers,
        ByteString tenantSalt,
        Trace trace,
        Service service,
        long startNanos) {
    public Job {
        answers = List.copyOf(answers);
    }

    /** One prompt and how to continue it. */
    public record Answer(int[] prompt, SamplingParams sampling) {}

    /**
     * When the request is served.
     *
     * @param lifeNanos from its arrival to the whole answer; the router's own limit holds, too
     */
    public record Service(ServiceTerms terms, long lifeNanos) {}

    /** What is only carried through. */
    public record Trace(String traceparent, @Nullable String sessionId) {}
}

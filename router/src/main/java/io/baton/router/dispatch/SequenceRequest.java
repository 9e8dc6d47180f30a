package io.baton.router.dispatch;

import com.google.protobuf.ByteString;
import io.baton.common.generation.SamplingParams;
import io.baton.common.kv.ChunkKey;
import java.util.List;

/**
 * One answer to generate. Arrays are never written.
 *
 * @param id the request's id, a random part and the answer's number: unique even where a client
 *     repeats its ids
 * @param choice the answer's number within the request
 * @param keys keys of the prompt's full blocks, for routing
 * @param deadlineNanos reading of the ticker at which the request is over
 */
public record SequenceRequest(
        String id,
        int choice,
        int[] prompt,
        SamplingParams sampling,
        Context context,
        List<ChunkKey> keys,
        long deadlineNanos) {
    /** What all answers of a request share. */
    public record Context(
            String modelFingerprint,
            ByteString tenantSalt,
            boolean debugLogits,
            String traceparent) {}
}

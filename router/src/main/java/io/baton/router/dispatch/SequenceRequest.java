package io.baton.router.dispatch;

import com.google.protobuf.ByteString;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.kv.ChunkKey;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.worker.ProtoSampling;
import java.util.List;
import java.util.concurrent.TimeUnit;

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
            String traceparent,
            ServiceTerms terms) {}

    /**
     * An attempt as workers take it.
     *
     * @param emitted tokens that the client has already
     * @param nowNanos reading of the ticker
     */
    GenerationSpec spec(int epoch, List<Integer> emitted, long nowNanos) {
        SamplingParams now =
                reportsPrompt(emitted.size()) ? sampling : sampling.withPromptLogprobs(-1);
        GenerationSpec.Builder spec =
                GenerationSpec.newBuilder()
                        .setRequestId(id)
                        .setEpoch(epoch)
                        .addAllEmitted(emitted)
                        .setSampling(ProtoSampling.toProto(now))
                        .setTenantSalt(context.tenantSalt())
                        .setDebugLogits(context.debugLogits())
                        .setTraceparent(context.traceparent())
                        .setDeadlineMillis(
                                Math.max(
                                        1, TimeUnit.NANOSECONDS.toMillis(deadlineNanos - nowNanos)))
                        .setModelFingerprint(context.modelFingerprint())
                        .setTenant(context.terms().tenant())
                        .setTenantWeight(context.terms().weight())
                        .setPriority(context.terms().priority())
                        .setNoSpeculation(!context.terms().speculate());
        for (int token : prompt) {
            spec.addPrompt(token);
        }
        return spec.build();
    }

    /** Whether an attempt reports the prompt: once tokens are emitted, that was done. */
    boolean reportsPrompt(int emitted) {
        return emitted == 0 && sampling.promptLogprobs() >= 0;
    }
}

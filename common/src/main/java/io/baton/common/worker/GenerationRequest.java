package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.proto.GenerationSpec;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One attempt of one request as a worker takes it from the wire: everything checked. The arrays are
 * never written.
 *
 * @param requestId the request's id
 * @param epoch its attempt, from 1
 * @param prompt prompt tokens, at least one
 * @param emitted tokens given to the client on earlier attempts; fewer than {@code
 *     sampling.maxTokens()}
 * @param sampling how to choose tokens
 * @param tenantSalt the tenant's part of every chunk key
 * @param debugLogits whether every token carries a hash of its logits
 * @param traceparent W3C trace context, for logs; may be empty
 * @param deadlineNanos time left
 * @param terms how it is served among others
 * @param firstTokenNanos time left until the first token should be there; 0 for no such wish
 */
public record GenerationRequest(
        String requestId,
        int epoch,
        int[] prompt,
        int[] emitted,
        SamplingParams sampling,
        byte[] tenantSalt,
        boolean debugLogits,
        String traceparent,
        long deadlineNanos,
        ServiceTerms terms,
        long firstTokenNanos) {
    private static final int MAX_ID_CHARACTERS = 256;
    private static final int MAX_SALT_BYTES = 256;

    /**
     * What a worker accepts.
     *
     * @param fingerprint of the model it serves
     * @param vocab size of the vocabulary
     * @param maxModelLen most tokens of prompt and answer
     * @param maxRequestNanos longest life of an attempt; also that of one without a deadline
     */
    public record Limits(String fingerprint, int vocab, int maxModelLen, long maxRequestNanos) {}

    /**
     * Reads and checks.
     *
     * @throws BatonException HANDSHAKE_MISMATCH for another model, CONTEXT_LENGTH_EXCEEDED,
     *     INVALID_VALUE
     */
    public static GenerationRequest fromProto(GenerationSpec spec, Limits limits) {
        if (!spec.getModelFingerprint().equals(limits.fingerprint())) {
            throw new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "the request is for the model %s, this worker serves %s"
                            .formatted(spec.getModelFingerprint(), limits.fingerprint()));
        }
        String id = spec.getRequestId();
        require(
                !id.isEmpty()
                        && id.length() <= MAX_ID_CHARACTERS
                        && id.chars().allMatch(c -> c > 0x20 && c < 0x7f),
                "the request id must have 1 to 256 printable ASCII characters");
        require(spec.getEpoch() >= 1, "epochs start at 1, got " + spec.getEpoch());
        require(spec.getPromptCount() >= 1, "a prompt has at least one token");
        require(
                spec.getTenantSalt().size() <= MAX_SALT_BYTES,
                "a tenant salt has at most %d bytes".formatted(MAX_SALT_BYTES));
        require(spec.getDeadlineMillis() >= 0, "the deadline is over");
        require(spec.getFirstTokenMillis() >= 0, "the first token is overdue");
        SamplingParams sampling = ProtoSampling.fromProto(spec.getSampling(), limits.vocab());
        require(
                spec.getEmittedCount() < sampling.maxTokens(),
                "%d tokens were emitted, max_tokens is %d: nothing is left to generate"
                        .formatted(spec.getEmittedCount(), sampling.maxTokens()));
        long known = (long) spec.getPromptCount() + spec.getEmittedCount();
        if (known >= limits.maxModelLen()) {
            throw new BatonException(
                    ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                    "prompt and emitted tokens are %d, the context has %d and one must be left for the answer"
                            .formatted(known, limits.maxModelLen()));
        }
        long deadlineNanos =
                spec.getDeadlineMillis() == 0
                        ? limits.maxRequestNanos()
                        : Math.min(
                                limits.maxRequestNanos(),
                                TimeUnit.MILLISECONDS.toNanos(spec.getDeadlineMillis()));
        return new GenerationRequest(
                id,
                spec.getEpoch(),
                tokens(spec.getPromptList(), limits.vocab()),
                tokens(spec.getEmittedList(), limits.vocab()),
                sampling,
                spec.getTenantSalt().toByteArray(),
                spec.getDebugLogits(),
                spec.getTraceparent(),
                deadlineNanos,
                terms(spec),
                TimeUnit.MILLISECONDS.toNanos(spec.getFirstTokenMillis()));
    }

    private static ServiceTerms terms(GenerationSpec spec) {
        require(
                ServiceTerms.isTenant(spec.getTenant()),
                "a tenant has at most %d printable ASCII characters"
                        .formatted(ServiceTerms.MAX_TENANT_CHARACTERS));
        int weight = spec.getTenantWeight() == 0 ? 1 : spec.getTenantWeight();
        require(
                weight >= 1 && weight <= ServiceTerms.MAX_WEIGHT,
                "a tenant's weight is %d, allowed are 1 to %d"
                        .formatted(weight, ServiceTerms.MAX_WEIGHT));
        return new ServiceTerms(
                spec.getTenant(), weight, spec.getPriority(), !spec.getNoSpeculation());
    }

    /** Tokens whose KV must be there before the next one is sampled. */
    public int knownTokens() {
        return prompt.length + emitted.length;
    }

    private static int[] tokens(List<Integer> list, int vocab) {
        int[] tokens = new int[list.size()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = list.get(i);
            require(
                    tokens[i] >= 0 && tokens[i] < vocab,
                    "token %d is outside the vocabulary of %d".formatted(tokens[i], vocab));
        }
        return tokens;
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new BatonException(ErrorCode.INVALID_VALUE, message);
        }
    }
}

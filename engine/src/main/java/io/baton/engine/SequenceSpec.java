package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.kv.KeyChain;

/**
 * A sequence to serve.
 *
 * @param id the request's id, for logs
 * @param prompt prompt tokens, at least one
 * @param emitted tokens already given to the client on an earlier attempt: they are forced, never
 *     sampled again; the next sampled token has index {@code emitted.length}
 * @param sampling how to choose tokens
 * @param keys chain under which its blocks are found and published
 * @param debugLogits whether every token carries a SHA-256 of its logits
 * @param terms when it is served; its answer does not depend on them
 */
public record SequenceSpec(
        String id,
        int[] prompt,
        int[] emitted,
        SamplingParams sampling,
        KeyChain keys,
        boolean debugLogits,
        ServiceTerms terms) {
    /** On the usual terms. */
    public SequenceSpec(
            String id,
            int[] prompt,
            int[] emitted,
            SamplingParams sampling,
            KeyChain keys,
            boolean debugLogits) {
        this(id, prompt, emitted, sampling, keys, debugLogits, ServiceTerms.USUAL);
    }

    public SequenceSpec {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("a prompt has at least one token");
        }
    }

    /** Tokens known at the start: prompt, then emitted. */
    public int[] knownTokens() {
        int[] known = java.util.Arrays.copyOf(prompt, prompt.length + emitted.length);
        System.arraycopy(emitted, 0, known, prompt.length, emitted.length);
        return known;
    }
}

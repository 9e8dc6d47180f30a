package io.baton.engine;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** What tests ask the engine for. */
final class Specs {
    private static final KvLayout LAYOUT = new KvLayout(1, 1, 8, KvDtype.F32, 16);

    private Specs() {}

    static KeyChain keys(int tenant) {
        return KeyChain.of(
                new KeyChain.Root(
                        "model", LAYOUT, "exact", "test:java:1", new byte[] {(byte) tenant}));
    }

    static SequenceSpec spec(String id, int[] prompt, SamplingParams sampling) {
        return new SequenceSpec(id, prompt, new int[0], sampling, keys(1), true);
    }

    static SequenceSpec withTerms(SequenceSpec spec, ServiceTerms terms) {
        return new SequenceSpec(
                spec.id(),
                spec.prompt(),
                spec.emitted(),
                spec.sampling(),
                spec.keys(),
                spec.debugLogits(),
                terms);
    }

    static SequenceSpec greedy(String id, int[] prompt, int maxTokens) {
        return spec(id, prompt, SamplingParams.greedy(maxTokens));
    }

    /** Tokens from a seed, ordinary ones of the tiny models. */
    static int[] tokens(int seed, int count) {
        return new SplittableRandom(seed).ints(count, 10, 400).toArray();
    }

    /** Seeded sampling with everything that bears on the choice turned on. */
    static SamplingParams mixed(int maxTokens, long seed) {
        return new SamplingParams(
                maxTokens,
                0,
                0.9f,
                40,
                0.95f,
                0.01f,
                0.2f,
                0.1f,
                1.1f,
                Map.of(17, 1.5f),
                seed,
                List.of(),
                Set.of(),
                false,
                true,
                true,
                3,
                -1,
                null,
                Set.of());
    }
}

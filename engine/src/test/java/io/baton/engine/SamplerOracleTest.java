package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.generation.SamplingParams;
import io.baton.common.grammar.TokenMask;
import io.baton.engine.Sampler.History;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tokens and log probabilities are those of {@link PlainSampler}, to the bit. */
class SamplerOracleTest {
    private static final int[] VOCABS = {1, 2, 65, 511, 512, 513, 1600, 5003};

    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void everyChoiceIsThatOfThePlainSampler() {
        for (int vocab : VOCABS) {
            Set<Integer> ends = Set.of(vocab - 1, vocab + 5);
            // One of each for all draws: what is left in their arrays must not count.
            Sampler sampler = new Sampler(vocab, ends);
            PlainSampler plain = new PlainSampler(vocab, ends);
            for (int round = 0; round < 250; round++) {
                float[] logits = logits(vocab);
                SamplingParams params = params(vocab);
                History history = history(vocab);
                TokenMask mask = mask(vocab);
                assertEquals(
                        plain.choose(logits, params, history, mask, "x"),
                        sampler.choose(logits, params, history, mask, "x"),
                        () -> "vocab %d, %s, %s".formatted(vocab, params, mask));
            }
        }
    }

    @Test
    void exponentialsInBlocksAreThoseOfOne() {
        Exp exp = new Exp();
        for (int round = 0; round < 300; round++) {
            double[] given = new double[Exp.SIZE];
            for (int i = 0; i < given.length; i++) {
                given[i] = -random.nextDouble() * Math.pow(10, random.nextInt(-20, 6));
                if (i % 37 == 0) {
                    given[i] = List.of(-0.0, 0.0, -690.0, Double.NEGATIVE_INFINITY).get(i / 37 % 4);
                }
            }
            int count = random.nextInt(1, given.length + 1);
            System.arraycopy(given, 0, exp.values, 0, given.length);
            exp.run(count);
            for (int i = 0; i < count; i++) {
                long expected =
                        Double.doubleToRawLongBits(PlainSampler.Exp.ofNonPositive(given[i]));
                assertEquals(expected, Double.doubleToRawLongBits(exp.values[i]), "e^" + given[i]);
            }
        }
    }

    private float[] logits(int vocab) {
        float[] logits = new float[vocab];
        int kind = random.nextInt(6);
        double spread = List.of(0.0, 0.01, 1.0, 3.0, 30.0, 400.0).get(random.nextInt(6));
        for (int i = 0; i < vocab; i++) {
            logits[i] =
                    switch (kind) {
                        // Many equal ones.
                        case 0 -> random.nextInt(4);
                        case 1 -> i % 3 == 0 ? -0f : 0f;
                        // One that has it all, and rising ones, each better than all before.
                        case 2 -> i == vocab / 2 ? 50 : (float) (random.nextDouble() - 60);
                        case 3 -> i * 0.001f;
                        default -> (float) (random.nextGaussian() * spread);
                    };
        }
        return logits;
    }

    private float one(float... of) {
        return of[random.nextInt(of.length)];
    }

    private SamplingParams params(int vocab) {
        Map<Integer, Float> bias = new HashMap<>();
        Set<Integer> stops = new HashSet<>();
        if (random.nextInt(4) == 0) {
            for (int i = 0; i < 5; i++) {
                bias.put(random.nextInt(vocab), one(-100f, -1f, 0.5f, 100f));
                stops.add(random.nextInt(vocab));
            }
        }
        return new SamplingParams(
                100,
                random.nextInt(3) == 0 ? 50 : 0,
                one(0f, 1e-6f, 0.01f, 0.8f, 1f, 2f),
                (int) one(0, 0, 1, 5, 40, 1100, 9000),
                one(1f, 1f, 0.95f, 0.5f, 1e-6f, 0.999999f),
                one(0f, 0f, 0.05f, 1f),
                one(0f, 0f, 1.5f),
                one(0f, 0f, -1f),
                one(1f, 1f, 1.3f, 0.7f),
                bias,
                random.nextLong(),
                List.of(),
                stops,
                false,
                false,
                true,
                (int) one(-1, 0, 1, 5, 20),
                -1,
                null,
                Set.of());
    }

    private History history(int vocab) {
        int[] tokens = random.ints(60, 0, vocab).toArray();
        int size = random.nextInt(10, 61);
        return new History(tokens, random.nextInt(1, size), size);
    }

    private @Nullable TokenMask mask(int vocab) {
        int kind = random.nextInt(5);
        if (kind < 2) {
            return null;
        }
        // Masks are of the tokenizer's vocabulary, which may be smaller or larger than the logits.
        long[] words = new long[Math.max(1, (vocab + 63) / 64 + random.nextInt(-1, 2))];
        for (int i = 0; i < words.length; i++) {
            int word = random.nextInt(3);
            words[i] = kind == 2 || word == 0 ? 0 : word == 1 ? -1L : random.nextLong();
        }
        words[0] |= 1;
        return new TokenMask(words);
    }
}

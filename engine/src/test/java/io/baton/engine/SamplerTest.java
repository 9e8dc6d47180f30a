package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.TokenMask;
import io.baton.engine.Sampler.History;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int END = 3;
    private static final History FIRST = new History(new int[] {0}, 1, 1);

    /** Parameters by name: the record has seventeen. */
    private static final class Params {
        private int minTokens;
        private float temperature;
        private int topK;
        private float topP = 1f;
        private float minP;
        private float frequency;
        private float presence;
        private float repetition = 1f;
        private Map<Integer, Float> bias = Map.of();
        private long seed;
        private Set<Integer> stopIds = Set.of();
        private int logprobs = -1;

        SamplingParams build() {
            return new SamplingParams(
                    10,
                    minTokens,
                    temperature,
                    topK,
                    topP,
                    minP,
                    frequency,
                    presence,
                    repetition,
                    bias,
                    seed,
                    List.of(),
                    stopIds,
                    false,
                    false,
                    true,
                    logprobs,
                    -1,
                    null,
                    Set.of());
        }
    }

    private static Params params() {
        return new Params();
    }

    private static TokenOutput choose(float[] logits, Params params, History history) {
        float[] before = logits.clone();
        TokenOutput token =
                new Sampler(logits.length, Set.of(END))
                        .choose(logits, params.build(), history, null, null);
        assertArrayEquals(before, logits, "logits are read, never changed");
        return token;
    }

    private static int token(float[] logits, Params params) {
        return choose(logits, params, FIRST).token();
    }

    /** All tokens that ever come up in many draws. */
    private static Set<Integer> support(float[] logits, Params params) {
        Sampler sampler = new Sampler(logits.length, Set.of());
        Set<Integer> seen = new HashSet<>();
        for (int seed = 0; seed < 3000; seed++) {
            params.seed = seed;
            seen.add(sampler.choose(logits, params.build(), FIRST, null, null).token());
        }
        return seen;
    }

    @Test
    void greedyTakesTheLowestIdAmongEquals() {
        assertEquals(1, token(new float[] {0, 5, 5, 1}, params()));
        assertEquals(0, token(new float[] {-2, -2, -2, -2}, params()));
    }

    @Test
    void minimumLengthHoldsBackEndAndStopTokens() {
        Params params = params();
        params.minTokens = 2;
        params.stopIds = Set.of(2);
        float[] logits = {0, 1, 8, 9};
        assertEquals(1, choose(logits, params, FIRST).token());
        assertEquals(1, choose(logits, params, new History(new int[] {0, 1}, 1, 2)).token());
        assertEquals(3, choose(logits, params, new History(new int[] {0, 1, 1}, 1, 3)).token());
    }

    private static TokenMask only(int... tokens) {
        long[] words = new long[1];
        for (int token : tokens) {
            words[0] |= 1L << token;
        }
        return new TokenMask(words);
    }

    private static TokenOutput choose(
            float[] logits, Params params, History history, @Nullable TokenMask mask) {
        return new Sampler(logits.length, Set.of(END))
                .choose(logits, params.build(), history, mask, null);
    }

    @Test
    void aMaskHoldsWhateverTheLogitsAndTheBiasSay() {
        float[] logits = {1, 2, 9, 8};
        Params params = params();
        assertEquals(1, choose(logits, params, FIRST, only(0, 1)).token());
        params.bias = Map.of(2, 100f, 0, -100f, 1, -100f);
        assertEquals(1, choose(logits, params, FIRST, only(0, 1)).token());
        params.temperature = 1f;
        params.topK = 1;
        params.bias = Map.of();
        assertEquals(1, choose(logits, params, FIRST, only(0, 1)).token());
        params.topK = 0;
        Set<Integer> seen = new HashSet<>();
        for (int seed = 0; seed < 500; seed++) {
            params.seed = seed;
            seen.add(choose(logits, params, FIRST, only(0, 1)).token());
        }
        assertEquals(Set.of(0, 1), seen);
    }

    @Test
    void logprobsOfAMaskedChoiceAreThoseOfTheUntouchedLogits() {
        float[] logits = {1, 2, 9, 8};
        Params params = params();
        params.logprobs = 2;
        TokenOutput masked = choose(logits, params, FIRST, only(0));
        TokenOutput free = choose(logits, params, FIRST, null);
        assertEquals(0, masked.token());
        assertEquals(2, free.token());
        assertEquals(free.top(), masked.top());
        assertTrue(masked.logprob() < -7.9f && masked.logprob() > -9f);
    }

    @Test
    void aConstraintThatLeavesOnlyEndsGoesBeforeTheMinimumLength() {
        Params params = params();
        params.minTokens = 5;
        float[] logits = {9, 1, 2, -3};
        assertEquals(END, choose(logits, params, FIRST, only(END)).token());
        assertEquals(1, choose(logits, params, FIRST, only(END, 1)).token());
    }

    @Test
    void biasIsAddedAndUnknownIdsAreHarmless() {
        Params params = params();
        params.bias = Map.of(0, 100f, 3, -100f, 99, 100f, -1, 5f);
        assertEquals(0, token(new float[] {0, 1, 2, 3}, params));
    }

    @Test
    void repetitionCountsThePromptAndShrinksTowardsUnlikely() {
        Params params = params();
        params.repetition = 2f;
        History history = new History(new int[] {0, 1, 1}, 2, 3);
        // 0 (prompt) 4 -> 2, 1 (generated) 3 -> 1.5, 2 stays 2.1
        assertEquals(2, choose(new float[] {4, 3, 2.1f, -9}, params, history).token());
        // negative logits are multiplied: -1 -> -2
        assertEquals(2, choose(new float[] {-1, -9, -1.5f, -9}, params, history).token());
    }

    @Test
    void frequencyAndPresenceCountGeneratedTokensAlone() {
        History history = new History(new int[] {0, 0, 0, 1, 1}, 3, 5);
        Params frequency = params();
        frequency.frequency = 1f;
        assertEquals(0, choose(new float[] {4, 5.5f, 0, 0}, frequency, history).token());
        assertEquals(1, choose(new float[] {4, 6.5f, 0, 0}, frequency, history).token());
        Params presence = params();
        presence.presence = 1f;
        assertEquals(1, choose(new float[] {4, 5.5f, 0, 0}, presence, history).token());
        assertEquals(0, choose(new float[] {4, 4.5f, 0, 0}, presence, history).token());
    }

    @Test
    void penaltiesLeaveNoTraceForTheNextChoice() {
        Sampler sampler = new Sampler(4, Set.of());
        Params params = params();
        params.frequency = 1f;
        History history = new History(new int[] {0, 1, 1, 1}, 1, 4);
        float[] logits = {0, 4, 2, 0};
        assertEquals(2, sampler.choose(logits, params.build(), history, null, null).token());
        assertEquals(2, sampler.choose(logits, params.build(), history, null, null).token());
        assertEquals(1, sampler.choose(logits, params.build(), FIRST, null, null).token());
    }

    @Test
    void topKKeepsTiesAtItsBorder() {
        Params params = params();
        params.temperature = 1f;
        params.topK = 2;
        assertEquals(Set.of(1, 2, 3), support(new float[] {0, 2, 1, 1}, params));
        params.topK = 1;
        assertEquals(Set.of(1), support(new float[] {0, 2, 1, 1}, params));
        params.topK = 99;
        assertEquals(Set.of(0, 1, 2, 3), support(new float[] {0, 2, 1, 1}, params));
    }

    @Test
    void topKByHeapAndBySortAgree() {
        float[] logits = new float[5000];
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(-1000, 1000) / 100f;
        }
        float[] sorted = logits.clone();
        Arrays.sort(sorted);
        for (int k : new int[] {1, 2, 40, 1023, 1024, 1025, 4999}) {
            Params params = params();
            params.temperature = 1f;
            params.topK = k;
            Truncation truncation = new Truncation(logits.length);
            truncation.keep(logits, sorted[sorted.length - 1], params.build());
            float border = sorted[logits.length - k];
            long expected = 0;
            for (float logit : logits) {
                expected += logit >= border ? 1 : 0;
            }
            assertEquals(expected, truncation.size(), "k = " + k);
        }
    }

    @Test
    void topPKeepsTheFewestTokensThatReachTheShare() {
        // shares 0.5, 0.25, 0.125, 0.125
        float ln2 = (float) Math.log(2);
        float[] logits = {0, 2 * ln2, ln2, 0};
        Params params = params();
        params.temperature = 1f;
        params.topP = 0.45f;
        assertEquals(Set.of(1), support(logits, params));
        params.topP = 0.7f;
        assertEquals(Set.of(1, 2), support(logits, params));
        params.topP = 0.8f;
        assertEquals(Set.of(0, 1, 2), support(logits, params));
        params.topP = 1e-9f;
        assertEquals(Set.of(1), support(logits, params));
    }

    @Test
    void minPComparesWithTheBestToken() {
        float ln2 = (float) Math.log(2);
        Params params = params();
        params.temperature = 1f;
        params.minP = 0.3f;
        assertEquals(Set.of(1, 2), support(new float[] {0, 2 * ln2, ln2, -1}, params));
    }

    @Test
    void drawsFollowTheProbabilities() {
        float[] logits = {0, 1, 2, -1};
        double[] weights = new double[4];
        double total = 0;
        for (int i = 0; i < 4; i++) {
            weights[i] = Math.exp(logits[i] / 0.7);
            total += weights[i];
        }
        Sampler sampler = new Sampler(4, Set.of());
        int[] seen = new int[4];
        int draws = 40000;
        for (int i = 0; i < draws; i++) {
            Params params = params();
            params.temperature = 0.7f;
            params.seed = i * 7919L;
            seen[sampler.choose(logits, params.build(), FIRST, null, null).token()]++;
        }
        for (int i = 0; i < 4; i++) {
            double share = weights[i] / total;
            double deviation = Math.sqrt(share * (1 - share) / draws);
            assertEquals(share, seen[i] / (double) draws, 5 * deviation);
        }
    }

    @Test
    void aDrawDependsOnSeedAndIndexAlone() {
        assertEquals(Sampler.uniform(7, 3), Sampler.uniform(7, 3));
        Set<Double> values = new HashSet<>();
        double sum = 0;
        for (int seed = 0; seed < 100; seed++) {
            for (int index = 0; index < 100; index++) {
                double value = Sampler.uniform(seed, index);
                assertTrue(value >= 0 && value < 1);
                values.add(value);
                sum += value;
            }
        }
        assertEquals(10000, values.size());
        assertEquals(0.5, sum / 10000, 0.015);
    }

    @Test
    void logprobsAreThoseOfTheUntouchedLogits() {
        Params params = params();
        params.temperature = 0.3f;
        params.topK = 1;
        params.bias = Map.of(2, 50f);
        params.logprobs = 2;
        float[] logits = {1, 2, 0, 2};
        TokenOutput token = choose(logits, params, FIRST);
        double normaliser = Math.log(Math.exp(1) + 2 * Math.exp(2) + 1);
        assertEquals(2, token.token());
        assertEquals(0 - normaliser, token.logprob(), 1e-6);
        assertEquals(List.of(1, 3), token.top().stream().map(TokenOutput.TopToken::token).toList());
        assertEquals(2 - normaliser, token.top().getFirst().logprob(), 1e-6);
    }

    @Test
    void zeroAlternativesStillGiveTheChosenTokensLogprob() {
        Params params = params();
        params.logprobs = 0;
        TokenOutput token = choose(new float[] {0, 0, 0, 0}, params, FIRST);
        assertEquals(-Math.log(4), token.logprob(), 1e-6);
        assertTrue(token.top().isEmpty());
    }

    @Test
    void aTinyTemperatureIsGreedyAndASmallOneDoesNotOverflow() {
        Params params = params();
        params.temperature = 1e-6f;
        assertEquals(1, token(new float[] {0, 1, 0.999f, 0}, params));
        params.temperature = 1e-4f;
        assertEquals(1, token(new float[] {-3e38f, 3e38f, 0, 0}, params));
    }

    @Test
    void everythingMaskedStillGivesAToken() {
        Params params = params();
        params.temperature = 1f;
        params.minTokens = 5;
        params.stopIds = Set.of(0, 1, 2);
        assertEquals(0, token(new float[] {1, 2, 3, 4}, params));
    }

    @Test
    void valuesThatAreNotFiniteAreFound() {
        assertTrue(Sampler.isFinite(new float[] {0, -Float.MAX_VALUE, Float.MAX_VALUE, -0f}, 4));
        for (float bad :
                new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            assertFalse(Sampler.isFinite(new float[] {1, bad, 2}, 3));
        }
        assertTrue(Sampler.isFinite(new float[] {1, Float.NaN}, 1));
    }

    @Test
    void theExponentialIsAccurate() {
        SplittableRandom random = new SplittableRandom(3);
        Exp exp = new Exp();
        double[] given = new double[Exp.SIZE];
        for (int round = 0; round < 200; round++) {
            for (int i = 0; i < given.length; i++) {
                given[i] = -random.nextDouble() * 680;
            }
            given[5] = 0;
            given[6] = Double.NEGATIVE_INFINITY;
            given[7] = -1e9;
            System.arraycopy(given, 0, exp.values, 0, given.length);
            exp.run(given.length);
            for (int i = 0; i < given.length; i++) {
                double expected = StrictMath.exp(given[i]);
                assertEquals(expected, exp.values[i], 4e-16 * expected);
            }
        }
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.Constraint;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.generation.TokenOutput;
import io.baton.common.model.TinyModel;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.Kernels;
import io.baton.kernels.c.CKernels;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;

/** With and without guesses the same tokens, log probabilities and logits, bit for bit. */
class SpeculationTest {
    private static final int TOKENS = 60;
    private @Nullable Rig rig;

    static Stream<Arguments> models() {
        return Stream.of(
                Arguments.of("llama", TinyModel.llama(), reference()),
                Arguments.of("llama in C", TinyModel.llama(), c()),
                Arguments.of("gemma3 in C", TinyModel.gemma3(), c()));
    }

    private static Supplier<Kernels> reference() {
        return () -> new ReferenceKernels(2, "test");
    }

    private static Supplier<Kernels> c() {
        return () -> {
            try {
                return CKernels.open(2, Level.AVX2);
            } catch (NativeUnavailable e) {
                throw new TestAbortedException("C kernels are not tested: " + e.getMessage());
            }
        };
    }

    private Rig rig(TinyModel model, Supplier<Kernels> kernels) {
        Rig made = new Rig(model, kernels.get());
        rig = made;
        return made;
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    private static EngineOptions options(int poolBlocks, int stepTokens, int draftTokens) {
        return Rig.options(
                poolBlocks, stepTokens, new EngineOptions.Policy(16_384, 1e6, draftTokens, 1));
    }

    /** Text that says everything several times, so that there is something to guess. */
    private static int[] repeating(int seed, int period, int length) {
        int[] phrase = Specs.tokens(seed, period);
        int[] tokens = new int[length];
        Arrays.setAll(tokens, i -> phrase[i % period]);
        return tokens;
    }

    /** Sampling that still repeats itself: biases leave few tokens to choose from. */
    private static SamplingParams narrow(float temperature, long seed, int minTokens) {
        return new SamplingParams(
                TOKENS,
                minTokens,
                temperature,
                3,
                0.98f,
                0.01f,
                0.05f,
                0.05f,
                1.02f,
                Map.of(17, 12f, 23, 12f, 31, 11f),
                seed,
                List.of(),
                Set.of(31),
                false,
                false,
                true,
                2,
                -1,
                null,
                Set.of());
    }

    /** Says little more than two tokens, and so often what it said before. */
    private static SequenceSpec chanting(int maxTokens) {
        SamplingParams sampling =
                new SamplingParams(
                        maxTokens,
                        0,
                        0.4f,
                        2,
                        1f,
                        0f,
                        0f,
                        0f,
                        1f,
                        Map.of(17, 30f, 23, 29f),
                        5,
                        List.of(),
                        Set.of(),
                        false,
                        true,
                        true,
                        -1,
                        -1,
                        null,
                        Set.of());
        return Specs.spec("c", repeating(1, 4, 40), sampling);
    }

    private static List<SequenceSpec> specs() {
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            SamplingParams sampling =
                    switch (i % 3) {
                        case 0 -> SamplingParams.greedy(TOKENS);
                        case 1 -> narrow(0.8f, i, 40);
                        default -> narrow(0.3f, i, 20).withPromptLogprobs(1);
                    };
            int length = new int[] {20, 33, 64, 130, 255, 280}[i];
            specs.add(Specs.spec("s" + i, repeating(i, 5 + i, length), sampling));
        }
        return specs;
    }

    private static void assertSame(List<Outcome> expected, List<Outcome> actual, String how) {
        for (int i = 0; i < expected.size(); i++) {
            assertNull(actual.get(i).error(), how);
            assertEquals(expected.get(i).tokens(), actual.get(i).tokens(), how + ", sequence " + i);
            assertEquals(expected.get(i).reason(), actual.get(i).reason(), how + ", sequence " + i);
        }
    }

    private static void assertGuessed(EngineLoop loop) {
        EngineLoop.Counters counters = loop.counters();
        assertTrue(counters.acceptedTokens() > 20, counters.toString());
        assertTrue(counters.draftedTokens() > counters.acceptedTokens(), "some were wrong");
        assertEquals(loop.stats().poolBlocks(), loop.stats().freeBlocks());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void guessesChangeNothing(String name, TinyModel model, Supplier<Kernels> kernels)
            throws InterruptedException {
        Rig rig = rig(model, kernels);
        List<SequenceSpec> specs = specs();
        EngineLoop plain = rig.loop(options(200, 512, 0), Set.of(3));
        List<Outcome> expected = new ArrayList<>();
        for (SequenceSpec spec : specs) {
            expected.add(Rig.serve(plain, spec));
        }
        assertEquals(0, plain.counters().draftedTokens());
        for (int drafts : new int[] {1, 4, 9}) {
            EngineLoop guessing = rig.loop(options(200, 64, drafts), Set.of(3));
            List<Outcome> alone = new ArrayList<>();
            for (SequenceSpec spec : specs) {
                alone.add(Rig.serve(guessing, spec));
            }
            assertSame(expected, alone, "alone, guesses of " + drafts);
            guessing.clearCache();
            assertSame(expected, Rig.serveTogether(guessing, specs), "batch of " + drafts);
            assertSame(expected, Rig.serveTogether(guessing, specs), "reuse of " + drafts);
            assertGuessed(guessing);
        }
        EngineLoop guessing = rig.loop(options(200, 512, 8), Set.of(3));
        apart(rig, expected, guessing);
        preempted(rig, expected);
        retried(expected, guessing);
        optedOut(rig, expected);
    }

    /** A language that says the same again, so that guesses are right, and one that is free. */
    private static List<SequenceSpec> constrained() {
        Constraint chorus =
                new Constraint(Constraint.Kind.REGEX, "(red fish, blue fish; ){3,5}the end");
        Constraint list =
                new Constraint(
                        Constraint.Kind.JSON_SCHEMA,
                        """
                        {"type": "array", "minItems": 4, "maxItems": 8, "items": {"type": "object",
                          "properties": {"colour": {"enum": ["red", "blue"]}, "note": {"type": "string", "maxLength": 4}},
                          "required": ["colour", "note"], "additionalProperties": false}}
                        """);
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            SamplingParams sampling = i < 2 ? SamplingParams.greedy(150) : narrow(0.7f, i, 0);
            specs.add(
                    Specs.spec(
                            "c" + i,
                            repeating(i, 6, 40),
                            sampling.withConstraint(i % 2 == 0 ? chorus : list)));
        }
        return specs;
    }

    /** What a language forbids is never taken for a right guess. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void guessesUnderAConstraintChangeNothing(
            String name, TinyModel model, Supplier<Kernels> kernels) throws InterruptedException {
        Rig rig = rig(model, kernels);
        List<SequenceSpec> specs = constrained();
        EngineLoop plain = rig.loop(options(200, 512, 0), rig.ends());
        List<Outcome> expected = new ArrayList<>();
        for (SequenceSpec spec : specs) {
            expected.add(Rig.serve(plain, spec));
        }
        assertEquals(FinishReason.STOP, expected.getFirst().reason(), "the language's end");
        for (int drafts : new int[] {1, 7}) {
            EngineLoop guessing = rig.loop(options(200, 64, drafts), rig.ends());
            for (int i = 0; i < specs.size(); i++) {
                assertSame(
                        expected.subList(i, i + 1),
                        List.of(Rig.serve(guessing, specs.get(i))),
                        "alone, guesses of " + drafts);
            }
            assertSame(expected, Rig.serveTogether(guessing, specs), "batch of " + drafts);
            assertGuessed(guessing);
        }
    }

    private static void apart(Rig rig, List<Outcome> expected, EngineLoop decoder)
            throws InterruptedException {
        EngineLoop prefiller = rig.loop(options(200, 64, 8), Set.of(3));
        List<Outcome> outcomes = new ArrayList<>();
        List<Outcome> wanted = new ArrayList<>();
        for (int i = 0; i < expected.size(); i++) {
            SequenceSpec spec = specs().get(i);
            if (spec.sampling().promptLogprobs() < 0) {
                wanted.add(expected.get(i));
                outcomes.add(Rig.serveApart(prefiller, decoder, spec));
            }
        }
        assertSame(wanted, outcomes, "prefilled elsewhere");
        assertEquals(0, prefiller.counters().draftedTokens());
        assertTrue(decoder.counters().acceptedTokens() > 0);
    }

    private static void preempted(Rig rig, List<Outcome> expected) throws InterruptedException {
        // 2+3+5+9+16+18 = 53 blocks for the prompts and one that holds the engine; the answers
        // need 22 more.
        EngineLoop tight = rig.loop(options(58, 64, 6), Set.of(3));
        assertSame(expected, Rig.serveTogether(tight, specs()), "preempted");
        assertTrue(tight.counters().preemptions() > 0, "the pool was to be too small");
        assertGuessed(tight);
    }

    /** A failover: what the client has is forced, the rest is as if nothing had happened. */
    private static void retried(List<Outcome> expected, EngineLoop loop)
            throws InterruptedException {
        for (int i : new int[] {0, 1}) {
            SequenceSpec spec = specs().get(i);
            List<TokenOutput> whole = expected.get(i).tokens();
            int given = whole.size() / 2;
            int[] emitted = whole.subList(0, given).stream().mapToInt(TokenOutput::token).toArray();
            Outcome rest =
                    Rig.serve(
                            loop,
                            new SequenceSpec(
                                    "r",
                                    spec.prompt(),
                                    emitted,
                                    spec.sampling(),
                                    spec.keys(),
                                    true));
            assertEquals(whole.subList(given, whole.size()), rest.tokens());
            assertEquals(expected.get(i).reason(), rest.reason());
        }
    }

    private static void optedOut(Rig rig, List<Outcome> expected) throws InterruptedException {
        EngineLoop loop = rig.loop(options(200, 64, 8), Set.of(3));
        SequenceSpec plain = Specs.withTerms(specs().getFirst(), new ServiceTerms("", 1, 0, false));
        assertSame(expected.subList(0, 1), List.of(Rig.serve(loop, plain)), "opted out");
        assertEquals(0, loop.counters().draftedTokens());
    }

    /** The listener's stop, the request's limit and the context end it where they would alone. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void endsComeWhereTheyWouldWithoutGuesses(
            String name, TinyModel model, Supplier<Kernels> kernels) throws InterruptedException {
        Rig rig = rig(model, kernels);
        EngineLoop plain = rig.loop(options(8, 64, 0), Set.of());
        EngineLoop guessing = rig.loop(options(8, 64, 8), Set.of());
        for (int tokens = 1; tokens < 12; tokens++) {
            SequenceSpec spec = chanting(tokens);
            assertSame(List.of(Rig.serve(plain, spec)), List.of(Rig.serve(guessing, spec)), "max");
        }
        SequenceSpec full = chanting(1000);
        Outcome whole = Rig.serve(plain, full);
        assertEquals(88, whole.tokens().size(), "the pool is the context");
        assertSame(List.of(whole), List.of(Rig.serve(guessing, full)), "full");
        for (int last = 0; last < 30; last++) {
            int stopAt = last;
            Recorder stopping =
                    new Recorder() {
                        @Override
                        public boolean onToken(TokenOutput token) {
                            super.onToken(token);
                            return token.index() < stopAt;
                        }
                    };
            try (Reservation place = guessing.reserve(full)) {
                guessing.prefill(place, stopping, true);
                Outcome outcome = stopping.await();
                assertEquals(whole.tokens().subList(0, stopAt + 1), outcome.tokens());
                assertEquals(FinishReason.STOP, outcome.reason());
            }
        }
        assertGuessed(guessing);
    }
}

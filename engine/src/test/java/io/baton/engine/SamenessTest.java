package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.Constraint;
import io.baton.common.generation.SamplingParams;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.TensorType;
import io.baton.common.model.TinyModel;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.Activations;
import io.baton.kernels.Kernels;
import io.baton.kernels.c.CKernels;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;

/**
 * Class E0: a sequence's logits depend on its tokens alone, bit for bit, whatever is computed
 * beside it, however it is cut, and wherever its KV was computed.
 */
class SamenessTest {
    private static final int TOKENS = 12;
    private static final int SEQUENCES = 8;
    private @Nullable Rig rig;

    static Stream<Arguments> models() {
        // Prompts of up to 300 tokens pass Gemma's window of 24 many times over.
        TinyModel mixed =
                TinyModel.llama()
                        .withTiedHead(true)
                        .withTypes(TensorType.Q4_1, TensorType.BF16, TensorType.F32);
        return Stream.of(
                Arguments.of("llama", TinyModel.llama().toBytes(), reference()),
                Arguments.of("gemma3", TinyModel.gemma3().toBytes(), reference()),
                Arguments.of("llama in C", TinyModel.llama().toBytes(), c(Level.named(""))),
                Arguments.of(
                        "llama, tied head, other types, in C", mixed.toBytes(), c(Level.named(""))),
                Arguments.of(
                        "llama in C, activations in 8 bits",
                        TinyModel.llama().toBytes(),
                        c(Level.named(""), Activations.BITS_8)),
                Arguments.of("llama in portable C", mixed.toBytes(), c(Level.PORTABLE)),
                Arguments.of("gemma3 in C", TinyModel.gemma3().toBytes(), c(Level.named(""))),
                Arguments.of("gemma2 in C", family("gemma2"), c(Level.named(""))),
                Arguments.of("qwen2 with YaRN in C", family("qwen2-yarn"), c(Level.named(""))),
                Arguments.of(
                        "phi3 with LongRoPE in C",
                        family("phi3-longrope-long"),
                        c(Level.named(""))));
    }

    private static byte[] family(String name) {
        return FamilyGguf.of(FamilyCase.named(name), 1024);
    }

    private static Supplier<Kernels> reference() {
        return () -> new ReferenceKernels(2, "test");
    }

    private static Supplier<Kernels> c(Level cap) {
        return c(cap, Activations.BITS_13);
    }

    private static Supplier<Kernels> c(Level cap, Activations activations) {
        return () -> {
            try {
                return CKernels.open(2, cap, activations);
            } catch (NativeUnavailable e) {
                throw new TestAbortedException("C kernels are not tested: " + e.getMessage());
            }
        };
    }

    private Rig rig(byte[] model, Supplier<Kernels> kernels) {
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

    private static final Constraint PRINTABLE = new Constraint(Constraint.Kind.REGEX, "[ -~]*");

    private static List<SequenceSpec> specs() {
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < SEQUENCES; i++) {
            // Lengths around blocks and chunks: 1, 16, 17, 47, 255, 256, 257, 300.
            int length = new int[] {1, 16, 17, 47, 255, 256, 257, 300}[i];
            SamplingParams sampling =
                    i % 2 == 0 ? SamplingParams.greedy(TOKENS) : Specs.mixed(TOKENS, i);
            // Two that are constrained, by a language without an end.
            specs.add(
                    Specs.spec(
                            "s" + i,
                            Specs.tokens(i, length),
                            i < 6 ? sampling : sampling.withConstraint(PRINTABLE)));
        }
        return specs;
    }

    private static void assertSame(List<Outcome> expected, List<Outcome> actual, String how) {
        for (int i = 0; i < expected.size(); i++) {
            assertNull(actual.get(i).error(), how);
            assertEquals(expected.get(i).ids(), actual.get(i).ids(), how + ", sequence " + i);
            assertEquals(expected.get(i).logits(), actual.get(i).logits(), how + ", sequence " + i);
            assertEquals(expected.get(i).tokens(), actual.get(i).tokens(), how);
        }
    }

    private static List<Outcome> oneByOne(EngineLoop loop, List<SequenceSpec> specs)
            throws InterruptedException {
        List<Outcome> outcomes = new ArrayList<>();
        for (SequenceSpec spec : specs) {
            loop.clearCache();
            outcomes.add(Rig.serve(loop, spec));
        }
        return outcomes;
    }

    private static void assertAtRest(EngineLoop loop) {
        EngineLoop.Stats stats = loop.stats();
        assertEquals(stats.poolBlocks(), stats.freeBlocks(), stats.toString());
        assertEquals(0, stats.running() + stats.waiting(), stats.toString());
        assertEquals(0, stats.waitingPrefillTokens(), stats.toString());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void theWholeMatrix(String name, byte[] model, Supplier<Kernels> kernels)
            throws InterruptedException {
        Rig rig = rig(model, kernels);
        List<SequenceSpec> specs = specs();
        EngineLoop plain = rig.loop(200, 512);
        List<Outcome> expected = oneByOne(plain, specs);
        for (Outcome outcome : expected) {
            assertEquals(TOKENS, outcome.tokens().size());
        }
        assertTrue(new HashSet<>(expected).size() == SEQUENCES, "prompts matter");
        assertAtRest(plain);

        plain.clearCache();
        assertSame(expected, Rig.serveTogether(plain, specs), "batch of 8");
        EngineLoop.Counters before = plain.counters();
        assertSame(expected, Rig.serveTogether(plain, specs), "batch of 8 with prefix reuse");
        assertTrue(plain.counters().reusedTokens() > before.reusedTokens() + 900);
        assertAtRest(plain);

        // 13 cuts prompts anywhere.
        for (int stepTokens : new int[] {13, 64}) {
            EngineLoop small = rig.loop(200, stepTokens);
            assertSame(expected, oneByOne(small, specs), "alone, spans of " + stepTokens);
            small.clearCache();
            assertSame(expected, Rig.serveTogether(small, specs), "batch, spans of " + stepTokens);
            assertAtRest(small);
        }
        // Beside sequences that generate, spans are as short as this machine's speed makes them.
        EngineLoop smooth =
                rig.loop(
                        Rig.options(200, 64, new EngineOptions.Policy(16_384, 1.7, 0, 1)),
                        Set.of());
        assertSame(expected, Rig.serveTogether(smooth, specs), "batch, spans by time");
        assertAtRest(smooth);
        apart(rig, specs, expected);
        preempted(rig, specs, expected);
    }

    private static void apart(Rig rig, List<SequenceSpec> specs, List<Outcome> expected)
            throws InterruptedException {
        EngineLoop prefiller = rig.loop(200, 64);
        EngineLoop decoder = rig.loop(200, 512);
        for (String how : List.of("apart", "apart, with reuse on both sides")) {
            List<Outcome> outcomes = new ArrayList<>();
            for (SequenceSpec spec : specs) {
                outcomes.add(Rig.serveApart(prefiller, decoder, spec));
            }
            assertSame(expected, outcomes, how);
        }
        assertTrue(prefiller.counters().reusedTokens() > 0);
        assertTrue(decoder.counters().reusedTokens() > 0);
        assertAtRest(prefiller);
        assertAtRest(decoder);
    }

    private static void preempted(Rig rig, List<SequenceSpec> specs, List<Outcome> expected)
            throws InterruptedException {
        // 1+1+2+3+16+16+17+19 = 75 blocks for the prompts, one for what holds the engine until all
        // are in line; the answers need 7 more.
        EngineLoop tight = rig.loop(76, 64);
        assertSame(expected, Rig.serveTogether(tight, specs), "preempted");
        assertTrue(tight.counters().preemptions() > 0, "the pool was to be too small");
        assertAtRest(tight);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void aRetryGoesOnWhereTheFirstAttemptEnded(String name, byte[] model, Supplier<Kernels> kernels)
            throws InterruptedException {
        Rig rig = rig(model, kernels);
        EngineLoop loop = rig.loop(100, 64);
        SequenceSpec spec = Specs.spec("r", Specs.tokens(3, 70), Specs.mixed(TOKENS, 9));
        Outcome whole = Rig.serve(loop, spec);
        loop.clearCache();
        int[] emitted = whole.ids().subList(0, 5).stream().mapToInt(Integer::intValue).toArray();
        Outcome rest =
                Rig.serve(
                        loop,
                        new SequenceSpec(
                                "r2", spec.prompt(), emitted, spec.sampling(), spec.keys(), true));
        assertEquals(whole.tokens().subList(5, TOKENS), rest.tokens());
        assertEquals(whole.reason(), rest.reason());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void theProbeSeesTheSameLogits(String name, byte[] model, Supplier<Kernels> kernels)
            throws InterruptedException {
        Rig rig = rig(model, kernels);
        Outcome outcome =
                Rig.serve(rig.loop(100, 64), Specs.greedy("p", Specs.tokens(5, 90), TOKENS));
        int[] text = java.util.Arrays.copyOf(Specs.tokens(5, 90), 90 + TOKENS);
        for (int i = 0; i < TOKENS; i++) {
            text[90 + i] = outcome.ids().get(i);
        }
        List<Integer> best = new ArrayList<>();
        Set<Integer> positions = new HashSet<>();
        try (LogitsProbe probe = new LogitsProbe(rig.weights, rig.kernels, KvDtype.BF16, 200)) {
            probe.run(
                    text,
                    (position, logits) -> {
                        assertTrue(positions.add(position));
                        float[] row = logits.toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT);
                        int argmax = 0;
                        for (int i = 1; i < row.length; i++) {
                            argmax = row[i] > row[argmax] ? i : argmax;
                        }
                        best.add(argmax);
                    });
        }
        assertEquals(102, positions.size());
        assertEquals(outcome.ids(), best.subList(89, 89 + TOKENS));
        assertFalse(best.isEmpty());
    }
}

package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.Constraint;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.Grammar;
import io.baton.common.grammar.Grammars;
import io.baton.common.model.TinyModel;
import io.baton.common.text.PromptText;
import io.baton.common.text.TokenDecoder;
import io.baton.common.text.Tokenizer;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers of a language, whatever the model would rather say. */
class ConstrainedTest {
    private static final Constraint PERSON =
            new Constraint(
                    Constraint.Kind.JSON_SCHEMA,
                    """
                    {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
                      "age": {"type": "integer", "minimum": 0, "maximum": 120}},
                     "required": ["name", "age"], "additionalProperties": false}
                    """);

    private final Rig rig = new Rig(TinyModel.llama(), new ReferenceKernels(1, "test"));
    private final Tokenizer tokenizer = rig.tokenizer();
    private final Set<Integer> ends = rig.ends();
    private final EngineLoop loop = rig.loop(Rig.options(200, 64), ends);

    @AfterEach
    void close() {
        rig.close();
    }

    private static SequenceSpec spec(int seed, int... emitted) {
        SamplingParams free = seed == 0 ? SamplingParams.greedy(200) : hot(seed);
        return new SequenceSpec(
                "c" + seed,
                Specs.tokens(seed, 20),
                emitted,
                free.withConstraint(PERSON),
                Specs.keys(1),
                true);
    }

    private static SamplingParams hot(long seed) {
        return new SamplingParams(
                200, 0, 1f, 0, 1f, 0f, 0f, 0f, 1f, Map.of(), seed, List.of(), Set.of(), false,
                false, true, -1, -1, null, Set.of());
    }

    private String text(List<Integer> ids) {
        return TokenDecoder.decode(tokenizer, ids.stream().mapToInt(id -> id).toArray(), true);
    }

    @Test
    void everyAnswerIsOfTheLanguage() throws InterruptedException {
        List<SequenceSpec> specs = new ArrayList<>();
        for (int seed = 0; seed < 8; seed++) {
            specs.add(spec(seed));
        }
        Grammar grammar = Grammars.of(tokenizer).compile(PERSON, "test");
        for (Outcome outcome : Rig.serve(loop, specs)) {
            assertNull(outcome.error());
            assertEquals(FinishReason.STOP, outcome.reason());
            assertTrue(grammar.accepts(text(outcome.ids())), text(outcome.ids()));
        }
    }

    @Test
    void aWorkerThatTakesOverWritesTheSame() throws InterruptedException {
        for (int seed = 0; seed < 3; seed++) {
            List<Integer> whole = Rig.serve(loop, spec(seed)).ids();
            for (int cut = 1; cut < whole.size(); cut += 11) {
                int[] emitted = whole.stream().limit(cut).mapToInt(id -> id).toArray();
                List<Integer> rest = Rig.serve(loop, spec(seed, emitted)).ids();
                assertEquals(whole.subList(cut, whole.size()), rest, "cut at " + cut);
            }
        }
    }

    @Test
    void theFirstTokenMayComeFromAPrefiller() throws InterruptedException {
        EngineLoop prefiller = rig.loop(Rig.options(200, 64), ends);
        for (int seed = 0; seed < 3; seed++) {
            List<Integer> whole = Rig.serve(loop, spec(seed)).ids();
            loop.clearCache();
            assertEquals(whole, Rig.serveApart(prefiller, loop, spec(seed)).ids());
        }
    }

    @Test
    void whatIsNotOfTheLanguageFailsItsOwnSequenceOnly() throws InterruptedException {
        int wrong = ends.iterator().next();
        BatonException refused =
                assertThrows(BatonException.class, () -> loop.reserve(spec(1, wrong)));
        assertEquals(ErrorCode.INVALID_VALUE, refused.code());
        int brace = tokenizer.encode(PromptText.untrusted("}"), false)[0];
        EngineLoop prefiller = rig.loop(Rig.options(200, 64), ends);
        try (Reservation source = prefiller.reserve(spec(1));
                Reservation place = loop.reserve(spec(1))) {
            Recorder first = new Recorder();
            prefiller.prefill(source, first, false);
            first.awaitToken();
            Rig.copy(source, place, spec(1).knownTokens().length);
            Recorder recorder = new Recorder();
            loop.decode(place, new TokenOutput(0, brace, 0f, List.of(), null), recorder);
            BatonException error = recorder.await().error();
            assertTrue(error != null && error.code() == ErrorCode.INVALID_VALUE, "" + error);
        }
        assertNull(Rig.serve(loop, spec(2)).error());
    }
}

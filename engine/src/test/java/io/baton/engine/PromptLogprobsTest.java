package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.model.TinyModel;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Log probabilities of the prompt: the same, to the bit, as those of the same tokens when they were
 * generated.
 */
class PromptLogprobsTest {
    private static final int TOPS = 3;

    private final Rig rig = new Rig(TinyModel.llama(), new ReferenceKernels(1, "test"));

    @AfterEach
    void close() {
        rig.close();
    }

    /** Hears the prompt's tokens, too. */
    private static final class PromptRecorder extends Recorder {
        private final List<TokenOutput> prompt = new ArrayList<>();

        @Override
        public synchronized void onPromptTokens(List<TokenOutput> tokens) {
            assertTrue(now().tokens().isEmpty(), "the prompt comes before the answer");
            prompt.addAll(tokens);
        }
    }

    private static SequenceSpec scoring(String id, int[] prompt, int maxTokens) {
        return new SequenceSpec(
                id,
                prompt,
                new int[0],
                SamplingParams.greedy(maxTokens).withPromptLogprobs(TOPS),
                Specs.keys(1),
                false);
    }

    private static PromptRecorder start(EngineLoop loop, SequenceSpec spec) {
        PromptRecorder recorder = new PromptRecorder();
        loop.prefill(loop.reserve(spec), recorder, true);
        return recorder;
    }

    /** 20 prompt tokens and 130 generated ones, with what was said of the latter. */
    private record Story(int[] tokens, List<TokenOutput> generated) {}

    private Story story() throws InterruptedException {
        EngineLoop loop = rig.loop(100, 64);
        int[] prompt = Specs.tokens(3, 20);
        SamplingParams params = Specs.mixed(130, 7);
        Recorder recorder = new Recorder();
        loop.prefill(loop.reserve(Specs.spec("story", prompt, params)), recorder, true);
        List<TokenOutput> generated = recorder.await().tokens();
        int[] all = Arrays.copyOf(prompt, 150);
        for (TokenOutput token : generated) {
            all[20 + token.index()] = token.token();
        }
        return new Story(all, generated);
    }

    private static void check(Story story, PromptRecorder recorder) throws InterruptedException {
        recorder.await();
        List<Integer> places = recorder.prompt.stream().map(TokenOutput::index).toList();
        assertEquals(IntStream.range(1, 150).boxed().toList(), places);
        for (TokenOutput token : story.generated()) {
            TokenOutput scored = recorder.prompt.get(20 + token.index() - 1);
            assertEquals(token.token(), scored.token());
            assertEquals(token.logprob(), scored.logprob(), 0f);
            assertEquals(token.top(), scored.top());
        }
    }

    @Test
    void equalThoseOfTheSameTokensWhenTheyWereGenerated() throws InterruptedException {
        Story story = story();
        EngineLoop loop = rig.loop(100, 64);
        check(story, start(loop, scoring("alone", story.tokens(), 5)));
        // Cached now, and yet every token of the prompt is reported.
        PromptRecorder again = start(loop, scoring("again", story.tokens(), 5));
        check(story, again);
        assertEquals(5, again.now().tokens().size());
        assertEquals(0, loop.counters().reusedTokens());
    }

    @Test
    void equalThemAmongOthersAndWhereBlocksRunOut() throws InterruptedException {
        Story story = story();
        // All 24 blocks are taken at once, and the answers need 7 more: the newest gives way, in
        // the
        // middle of its prompt, and what it said of it until then is not said again.
        EngineLoop loop = rig.loop(24, 40);
        try (Reservation third = loop.reserve(scoring("third", story.tokens(), 20))) {
            PromptRecorder last = new PromptRecorder();
            try (Reservation second = loop.reserve(scoring("second", story.tokens(), 40))) {
                PromptRecorder middle = new PromptRecorder();
                SequenceSpec greedy = Specs.greedy("first", Specs.tokens(9, 60), 60);
                try (Reservation first = loop.reserve(greedy)) {
                    Recorder other = new Recorder();
                    loop.prefill(first, other, true);
                    loop.prefill(second, middle, true);
                    loop.prefill(third, last, true);
                    other.await();
                }
                check(story, middle);
            }
            check(story, last);
        }
        assertTrue(loop.counters().preemptions() > 0);
    }

    @Test
    void aPromptOfOneTokenHasNothingToReport() throws InterruptedException {
        EngineLoop loop = rig.loop(10, 16);
        PromptRecorder recorder = start(loop, scoring("one", new int[] {17}, 2));
        assertEquals(2, recorder.await().tokens().size());
        assertEquals(List.of(), recorder.prompt);
    }
}

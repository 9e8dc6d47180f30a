package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KvCoding;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Role;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Answers equal those of one process without a cache, bit for bit. */
class PrefillToDecodeTest extends ClusterTests {
    @Test
    void answersEqualALocalRunBitForBit() throws Exception {
        Random random = new Random(11);
        for (int i = 0; i < 16; i++) {
            int[] prompt = prompt(100 + i, 1 + random.nextInt(i < 8 ? 40 : 400));
            SamplingParams sampling = sampling(10, i % 2 == 0 ? 0f : 0.9f, i);
            Call call = call(prompt, sampling).start("d1", false);
            var prefill = call.prefill(i % 3 == 0 ? "p2" : "p1", call.ticket());
            call.finish();
            assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
            PrefillDone done = last(prefill).getDone();
            assertEquals(prompt.length, done.getComputedTokens() + done.getCachedTokens());
        }
        assertAllFreed();
    }

    @Test
    void slidingWindowsTravelExactly() throws Exception {
        try (Cluster gemma = new Cluster(TinyModel.gemma3())) {
            gemma.prefiller("p1");
            gemma.decoder("d1", Role.ROLE_DECODER);
            for (int i = 0; i < 3; i++) {
                int[] prompt = prompt(700 + i, 20 + 60 * i);
                SamplingParams sampling = sampling(6, 0f, i);
                Call call = new Call(gemma, "gemma-" + i, prompt, sampling).start("d1", false);
                call.prefill("p1", call.ticket());
                call.finish();
                assertSame(gemma.local(prompt, new int[0], sampling), call, 0);
            }
        }
    }

    @Test
    void manyAtATimeAreStillExact() throws Exception {
        List<Call> calls = new ArrayList<>();
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int[] prompt = prompt(900 + i, 30 + 17 * i);
            prompts.add(prompt);
            calls.add(call(prompt, sampling(12, 0.7f, i)).start("d1", false));
        }
        for (int i = 0; i < 6; i++) {
            calls.get(i).prefill(i % 2 == 0 ? "p1" : "p2", calls.get(i).ticket());
        }
        for (int i = 0; i < 6; i++) {
            calls.get(i).finish();
            assertSame(
                    cluster.local(prompts.get(i), new int[0], sampling(12, 0.7f, i)),
                    calls.get(i),
                    0);
        }
        assertAllFreed();
    }

    @Test
    void kvThatIsCodedWithoutLossGivesTheSameAnswerFromFewerBytes() throws Exception {
        try (PrefillerWorker coding = cluster.prefiller("p4", KvCoding.LOSSLESS)) {
            cluster.registration("p4");
            int[] prompt = prompt(11, 200);
            SamplingParams sampling = sampling(8, 0.8f, 3);
            Call plain = call(prompt, sampling).start("d1", false);
            PrefillDone raw = last(plain.prefill("p1", plain.ticket())).getDone();
            plain.finish();
            // Another beginning: the decoder holds nothing of it.
            int[] other = prompt(12, 200);
            Call coded = call(other, sampling).start("d1", false);
            PrefillDone fewer = last(coded.prefill("p4", coded.ticket())).getDone();
            coded.finish();
            assertSame(cluster.local(other, new int[0], sampling), coded, 0);
            assertTrue(
                    fewer.getPayloadBytes() < 0.9 * raw.getPayloadBytes(),
                    "%d and %d".formatted(fewer.getPayloadBytes(), raw.getPayloadBytes()));
        }
        assertAllFreed();
    }

    @Test
    void aColocatedWorkerGivesTheSameAnswer() throws Exception {
        int[] prompt = prompt(5, 150);
        SamplingParams sampling = sampling(8, 0.8f, 3);
        Call call = call(prompt, sampling).start("d2", true);
        call.finish();
        assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
        assertEquals(Role.ROLE_COLOCATED, cluster.registration("d2").getRole(), "as it registered");
    }

    @Test
    void theFirstTokenComesFromThePrefillerWithItsText() throws Exception {
        Call call = call(prompt(6, 70), sampling(4, 0f, 0)).start("d1", false);
        var prefill = call.prefill("p1", call.ticket());
        Token first = null;
        while (first == null) {
            PrefillEvent event = Call.next(prefill).event();
            assertNotNull(event);
            if (event.hasFirstToken()) {
                first = event.getFirstToken();
            }
        }
        call.finish();
        assertEquals(call.tokens.get(0).getToken(), first);
    }

    @Test
    void aHeldPrefixIsNotSentAgain() throws Exception {
        int[] prompt = prompt(7, 200);
        SamplingParams sampling = sampling(6, 0f, 0);
        Call first = call(prompt, sampling).start("d1", false);
        PrefillDone cold = last(first.prefill("p1", first.ticket())).getDone();
        first.finish();
        // The same beginning, another end.
        int[] longer = Arrays.copyOf(prompt, 230);
        Call second = call(longer, sampling).start("d1", false);
        Ticket ticket = second.ticket();
        assertEquals(192, ticket.getHeld(0).getTokens());
        PrefillDone warm = last(second.prefill("p1", ticket)).getDone();
        second.finish();
        long block = cold.getPayloadBytes() / 13;
        assertEquals(13 * block, cold.getPayloadBytes(), "13 blocks hold 200 tokens");
        assertEquals(12 * block, warm.getSavedBytes());
        assertEquals(3 * block, warm.getPayloadBytes());
        assertEquals(192, warm.getCachedTokens());
        assertSame(cluster.local(longer, new int[0], sampling), second, 0);
        assertAllFreed();
    }

    @Test
    void aTakenOverAnswerGoesOnExactlyWhereItWas() throws Exception {
        int[] prompt = prompt(8, 90);
        SamplingParams sampling = sampling(12, 0.9f, 77);
        List<TokenOutput> whole = cluster.local(prompt, new int[0], sampling);
        int[] emitted = whole.stream().limit(5).mapToInt(TokenOutput::token).toArray();
        Call call = call(prompt, sampling);
        Arrays.stream(emitted).forEach(call.spec::addEmitted);
        call.start("d1", false);
        call.prefill("p2", call.ticket());
        call.finish();
        assertSame(cluster.local(prompt, emitted, sampling), call, 5);
        List<Integer> rest = call.tokens.stream().map(event -> event.getToken().getId()).toList();
        assertEquals(whole.stream().skip(5).map(TokenOutput::token).toList(), rest);
    }
}

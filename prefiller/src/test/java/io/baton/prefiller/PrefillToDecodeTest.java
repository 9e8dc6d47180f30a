package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.FetchTextRequest;
import io.baton.common.proto.ModelTextGrpc;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.baton.common.worker.ModelText;
import io.baton.common.worker.ModelTextClient;
import io.baton.decoder.DecoderWorker;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Prefillers and decoders over real gRPC and TCP on a tiny model; answers must be exact (E0). */
@Timeout(180)
class PrefillToDecodeTest {
    private static Cluster cluster;
    private static int ids;

    @BeforeAll
    static void open() {
        cluster = new Cluster(TinyModel.llama());
        cluster.prefiller("p1");
        cluster.prefiller("p2");
        cluster.decoder("d1", Role.ROLE_DECODER);
        cluster.decoder("d2", Role.ROLE_COLOCATED);
    }

    @AfterAll
    static void close() throws Exception {
        cluster.close();
    }

    private static int[] prompt(long seed, int tokens) {
        Random random = new Random(seed);
        return random.ints(tokens, 0, cluster.runtime.tokenizer().vocabSize()).toArray();
    }

    private static SamplingParams sampling(int maxTokens, float temperature, long seed) {
        return new SamplingParams(
                maxTokens,
                0,
                temperature,
                0,
                0.95f,
                0f,
                0f,
                0f,
                1f,
                Map.of(),
                seed,
                List.of(),
                Set.of(),
                false,
                true,
                true,
                3);
    }

    private static Call call(int[] prompt, SamplingParams sampling) {
        return new Call(cluster, "req-" + ids++, prompt, sampling);
    }

    private static void assertSame(List<TokenOutput> expected, Call call, int emitted) {
        List<String> wanted = new ArrayList<>();
        List<String> got = new ArrayList<>();
        for (TokenOutput token : expected) {
            wanted.add(token.index() + ":" + token.token() + ":" + token.logitsSha256());
        }
        for (DecodeEvent event : call.tokens) {
            Token token = event.getToken();
            got.add(token.getIndex() + ":" + token.getId() + ":" + token.getLogitsSha256());
            assertEquals(3, token.getTopCount());
        }
        assertEquals(wanted, got);
        assertFalse(got.isEmpty());
        assertTrue(got.get(0).startsWith(emitted + ":"));
    }

    private static void assertAllFreed() throws Exception {
        for (String id : List.of("p1", "p2", "d1", "d2")) {
            cluster.awaitFreed(id);
        }
    }

    private static PrefillEvent last(BlockingQueue<Call.Said<PrefillEvent>> events)
            throws InterruptedException {
        PrefillEvent last = null;
        while (true) {
            Call.Said<PrefillEvent> said = Call.next(events);
            if (said.ended()) {
                assertNotNull(last, String.valueOf(said.error()));
                return last;
            }
            last = said.event();
        }
    }

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

    @Test
    void aCutChannelIsToldInTimeAndVerifiedBlocksStay() throws Exception {
        int[] prompt = prompt(9, 400);
        SamplingParams sampling = sampling(6, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        Ticket ticket = call.ticket();
        long all = 25L * 4 * 2 * 2 * 16 * 16 * 2;
        try (CuttableProxy proxy =
                new CuttableProxy(ticket.getChannel(), CuttableProxy.Fault.CUT, all * 6 / 10)) {
            var prefill = call.prefill("p1", ticket.toBuilder().setChannel(proxy.url()).build());
            Call.Said<DecodeEvent> failure = Call.next(call.decode);
            assertEquals("kv_transfer_failed", failure.event().getFailure().getCode());
            assertEquals(1, failure.event().getEpoch());
            long told = failure.nanos() - proxy.faultNanos;
            assertTrue(
                    told <= TimeUnit.MILLISECONDS.toNanos(750), "told after %d ns".formatted(told));
            assertEquals("kv_transfer_failed", last(prefill).getFailure().getCode());
        }
        call.reticket(2, false);
        Ticket again = call.ticket();
        int held = again.getHeld(0).getTokens();
        assertTrue(held >= 64 && held < 400, "verified before the cut: " + held);
        assertEquals(2, again.getEpoch());
        PrefillDone done = last(call.prefill("p2", again)).getDone();
        assertTrue(done.getSavedBytes() > 0);
        call.finish();
        assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
        assertAllFreed();
    }

    @Test
    void aSilencedChannelIsToldInTimeAndTheDecoderGoesOnAlone() throws Exception {
        int[] prompt = prompt(10, 300);
        SamplingParams sampling = sampling(6, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        Ticket ticket = call.ticket();
        try (CuttableProxy proxy =
                new CuttableProxy(ticket.getChannel(), CuttableProxy.Fault.SILENCE, 40_000)) {
            call.prefill("p1", ticket.toBuilder().setChannel(proxy.url()).build());
            Call.Said<DecodeEvent> failure = Call.next(call.decode);
            assertEquals("kv_transfer_failed", failure.event().getFailure().getCode());
            long told = failure.nanos() - proxy.faultNanos;
            assertTrue(told <= TimeUnit.SECONDS.toNanos(3), "told after %d ns".formatted(told));
            call.reticket(2, true);
            call.finish();
        }
        assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
        assertAllFreed();
    }

    @Test
    void aStaleTicketsFramesChangeNothing() throws Exception {
        int[] prompt = prompt(12, 120);
        SamplingParams sampling = sampling(5, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        Ticket old = call.ticket();
        call.reticket(2, false);
        Ticket current = call.ticket();
        // The first prefiller comes late: what it sends is dropped, and it is told.
        Call late = call(prompt, sampling);
        late.spec.setRequestId(call.spec.getRequestId());
        var refused = late.prefill("p1", old);
        assertEquals("stale_epoch", last(refused).getFailure().getCode());
        call.prefill("p2", current);
        call.finish();
        assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
        assertAllFreed();
    }

    @Test
    void oldEpochsAndIncarnationsAreRefused() throws Exception {
        int[] prompt = prompt(13, 20);
        Call call = call(prompt, sampling(2, 0f, 0));
        call.spec.setEpoch(3);
        call.start("d2", true).finish();
        for (int epoch = 1; epoch <= 3; epoch++) {
            Call stale = call(prompt, sampling(2, 0f, 0));
            stale.spec.setRequestId(call.spec.getRequestId()).setEpoch(epoch);
            stale.start("d2", true);
            assertEquals("stale_epoch", stale.event().getFailure().getCode());
        }
        Call restarted = call(prompt, sampling(2, 0f, 0)).start("d2", true, 1234);
        assertEquals("stale_epoch", restarted.event().getFailure().getCode());
        Call other = call(prompt, sampling(2, 0f, 0));
        other.spec.setModelFingerprint("another");
        other.start("d2", true);
        assertEquals("handshake_mismatch", other.event().getFailure().getCode());
        assertAllFreed();
    }

    @Test
    void aPrefillerRefusesATicketThatDoesNotFit() throws Exception {
        Call call = call(prompt(14, 40), sampling(2, 0f, 0)).start("d1", false);
        Ticket.Builder wrong = call.ticket().toBuilder();
        wrong.getKvBuilder().setChunkTokens(128).setDtype("f16");
        PrefillEvent refused = last(call.prefill("p1", wrong.build()));
        assertEquals("handshake_mismatch", refused.getFailure().getCode());
        assertTrue(refused.getFailure().getMessage().contains("chunk tokens: ours 64, theirs 128"));
        assertTrue(refused.getFailure().getMessage().contains("KV dtype: ours bf16, theirs f16"));
        call.cancel();
        assertAllFreed();
    }

    @Test
    void cancelFreesBothSidesWhereverTheRequestIs() throws Exception {
        List<Long> freedAfter = new ArrayList<>();
        for (int phase = 0; phase < 12; phase++) {
            Call call = call(prompt(300 + phase, 380), sampling(400, 0f, 0));
            call.start("d1", false);
            Ticket ticket = call.ticket();
            if (phase % 4 > 0) {
                var prefill = call.prefill("p1", ticket);
                if (phase % 4 > 1) {
                    assertTrue(Call.next(prefill).event().hasStarted());
                }
            }
            if (phase % 4 > 2) {
                DecodeEvent event = call.event();
                while (!event.hasToken()) {
                    event = call.event();
                }
            }
            long at = System.nanoTime();
            call.cancel();
            cluster.awaitFreed("d1");
            cluster.awaitFreed("p1");
            freedAfter.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - at));
        }
        // As heartbeats (every 20 ms) show it; the bound on all of them allows for a busy machine.
        freedAfter.sort(null);
        assertTrue(freedAfter.get(6) <= 250, "ms: " + freedAfter);
        assertTrue(freedAfter.get(11) <= 2000, "ms: " + freedAfter);
    }

    @Test
    void anUnusedTicketIsFreedByItsLease() throws Exception {
        Call call = call(prompt(15, 100), sampling(2, 0f, 0)).start("d1", false);
        call.ticket();
        assertEquals("kv_transfer_failed", call.event().getFailure().getCode());
        assertTrue(Call.next(call.decode).ended());
        assertAllFreed();
    }

    @Test
    void aFullPoolRefusesAndRecovers() throws Exception {
        List<Call> holders = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Call holder = call(prompt(500 + i, 700), sampling(2, 0f, 0)).start("d1", false);
            holder.ticket();
            holders.add(holder);
        }
        Call refused = call(prompt(502, 700), sampling(2, 0f, 0)).start("d1", false);
        assertEquals("kv_pool_exhausted", refused.event().getFailure().getCode());
        holders.forEach(Call::cancel);
        cluster.awaitFreed("d1");
        Call served = call(prompt(502, 700), sampling(2, 0f, 0)).start("d1", false);
        served.prefill("p1", served.ticket());
        served.finish();
        assertAllFreed();
    }

    @Test
    void registrationCarriesWhatARouterNeeds() throws Exception {
        Registration decoder = cluster.registration("d1");
        assertEquals("tiny", decoder.getModel().getName());
        assertEquals(cluster.runtime.fingerprint(), decoder.getModel().getFingerprint());
        assertEquals("file", decoder.getModel().getChatTemplateOrigin());
        assertEquals(decoder.getKv(), cluster.registration("p1").getKv());
        assertEquals(Cluster.CHUNK, decoder.getKv().getChunkTokens());
        ModelText text =
                ModelTextClient.fetch(
                        cluster.channel("p1"),
                        decoder.getModel().getTextFingerprint(),
                        TimeUnit.SECONDS.toNanos(20));
        assertEquals(TinyModel.CHATML, text.chatTemplate());
        ManagedChannel stranger =
                ControlPlane.connect(decoder.getControlAddress(), ClusterToken.none());
        try {
            StatusRuntimeException refused =
                    assertThrows(
                            StatusRuntimeException.class,
                            () ->
                                    ModelTextGrpc.newBlockingStub(stranger)
                                            .fetchText(FetchTextRequest.getDefaultInstance())
                                            .next());
            assertEquals(Status.Code.UNAUTHENTICATED, refused.getStatus().getCode());
        } finally {
            stranger.shutdownNow();
        }
    }

    @Test
    void metersAreNamedAsPrometheusShowsThem() throws Exception {
        Call call = call(prompt(16, 60), sampling(3, 0f, 0)).start("d1", false);
        call.prefill("p1", call.ticket());
        call.finish();
        String text = cluster.meters.scrape();
        for (String name :
                List.of(
                        "baton_queue_seconds",
                        "baton_prefill_seconds",
                        "baton_transfer_seconds",
                        "baton_transfer_payload_bytes_total",
                        "baton_decode_seconds",
                        "baton_inter_token_seconds",
                        "baton_pool_blocks",
                        "baton_leases",
                        "baton_generated_tokens_total")) {
            assertTrue(text.contains(name), name);
        }
    }

    @Test
    void aDrainingWorkerTakesNothingNewAndTellsItsRouter() throws Exception {
        DecoderWorker worker = cluster.decoder("d3", Role.ROLE_DECODER);
        Call running = call(prompt(17, 60), sampling(200, 0f, 0)).start("d3", true);
        running.event();
        assertFalse(worker.drain(0));
        Call late = call(prompt(18, 60), sampling(2, 0f, 0)).start("d3", true);
        assertEquals("draining", late.event().getFailure().getCode());
        running.finish();
        assertTrue(worker.drain(TimeUnit.SECONDS.toNanos(20)));
        assertTrue(cluster.registry.member("d3").draining);
    }

    @Test
    void aKilledPrefillerIsReplaced() throws Exception {
        PrefillerWorker doomed = cluster.prefiller("p3");
        int[] prompt = prompt(19, 600);
        SamplingParams sampling = sampling(5, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        var prefill = call.prefill("p3", call.ticket());
        assertTrue(Call.next(prefill).event().hasStarted());
        doomed.close();
        DecodeEvent event = call.event();
        assertEquals("kv_transfer_failed", event.getFailure().getCode());
        call.reticket(2, false);
        call.prefill("p2", call.ticket());
        call.finish();
        assertSame(cluster.local(prompt, new int[0], sampling), call, 0);
        assertAllFreed();
    }
}

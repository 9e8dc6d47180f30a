package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.model.TinyModel;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.FetchTextRequest;
import io.baton.common.proto.ModelTextGrpc;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Ticket;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.baton.common.worker.ModelText;
import io.baton.common.worker.ModelTextClient;
import io.baton.decoder.DecoderWorker;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Refusals, cancels, leases, drains, and what routers see of workers. */
class AttemptEndsTest extends ClusterTests {
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
            call.cancel();
            cluster.awaitFreed("d1");
            cluster.awaitFreed("p1");
        }
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
}

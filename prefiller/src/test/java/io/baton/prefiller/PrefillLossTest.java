package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.Ticket;
import org.junit.jupiter.api.Test;

/** A prefiller, or the way to it, is lost while KV is under way: the answer stays exact. */
class PrefillLossTest extends ClusterTests {
    @Test
    void aCutChannelIsToldAndVerifiedBlocksStay() throws Exception {
        int[] prompt = prompt(9, 400);
        SamplingParams sampling = sampling(6, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        Ticket ticket = call.ticket();
        long all = 25L * 4 * 2 * 2 * 16 * 16 * 2;
        try (CuttableProxy proxy =
                new CuttableProxy(ticket.getChannel(), CuttableProxy.Fault.CUT, all * 6 / 10)) {
            var prefill =
                    call.prefill(
                            "p1", ticket.toBuilder().clearOffers().setChannel(proxy.url()).build());
            Call.Said<DecodeEvent> failure = Call.next(call.decode);
            assertEquals("kv_transfer_failed", failure.event().getFailure().getCode());
            assertEquals(1, failure.event().getEpoch());
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
    void aSilencedChannelIsToldAndTheDecoderGoesOnAlone() throws Exception {
        int[] prompt = prompt(10, 300);
        SamplingParams sampling = sampling(6, 0f, 0);
        Call call = call(prompt, sampling).start("d1", false);
        Ticket ticket = call.ticket();
        try (CuttableProxy proxy =
                new CuttableProxy(ticket.getChannel(), CuttableProxy.Fault.SILENCE, 40_000)) {
            call.prefill("p1", ticket.toBuilder().clearOffers().setChannel(proxy.url()).build());
            Call.Said<DecodeEvent> failure = Call.next(call.decode);
            assertEquals("kv_transfer_failed", failure.event().getFailure().getCode());
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

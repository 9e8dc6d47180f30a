package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLink;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.KvChannelProvider.Reach;
import io.baton.kv.testkit.FakeProvider;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is chosen of what both ends have, and why. */
final class ChannelPlanTest {
    private static final Whereabouts HERE = new Whereabouts("host-1", "process-1");

    private static final Map<String, KvChannelProvider> ALL =
            Map.of(
                    "loopback", FakeProvider.of("loopback", Reach.PROCESS),
                    "shm", FakeProvider.of("shm", Reach.HOST),
                    "ucx", FakeProvider.of("ucx", Reach.NETWORK).unwise("no RDMA device"),
                    "tcp", FakeProvider.of("tcp", Reach.NETWORK));

    private static final ChannelOffer TCP = ChannelOffer.anywhere("tcp://10.0.0.1:1");
    private static final ChannelOffer UCX = ChannelOffer.anywhere("ucx://10.0.0.1:2");
    private static final ChannelOffer SHM = new ChannelOffer("shm:///x", "host-1");
    private static final ChannelOffer LOOPBACK = new ChannelOffer("loopback://kv1", "process-1");

    private static ChannelPlan plan(KvLink link, ChannelOffer... offers) {
        return ChannelPlan.of(List.of(offers), new ChannelPlan.Here(link, false, HERE, ALL::get));
    }

    private static List<String> schemes(ChannelPlan plan) {
        return plan.candidates().stream().map(c -> c.carrier().scheme()).toList();
    }

    @Test
    void theNearestComesFirst() {
        ChannelPlan plan = plan(KvLink.AUTO, TCP, SHM, UCX, LOOPBACK);
        assertEquals(List.of("loopback", "shm", "tcp"), schemes(plan));
        assertEquals("the same process", plan.candidates().getFirst().reason());
        assertEquals("the same host", plan.candidates().get(1).reason());
        assertTrue(plan.candidates().get(1).carrier().isLocal());
        assertEquals("over the network", plan.candidates().get(2).reason());
        assertEquals(List.of("ucx: no RDMA device"), plan.passedOver());
    }

    @Test
    void anotherHostIsNotThisOne() {
        ChannelPlan plan =
                plan(
                        KvLink.AUTO,
                        TCP,
                        new ChannelOffer("shm:///x", "host-2"),
                        new ChannelOffer("loopback://kv1", "process-2"));
        assertEquals(List.of("tcp"), schemes(plan));
        assertEquals(
                List.of("loopback: another process", "shm: another host or user"),
                plan.passedOver());
    }

    @Test
    void whoCannotTellItsHostSharesIt() {
        ChannelPlan plan =
                ChannelPlan.of(
                        List.of(TCP, SHM),
                        new ChannelPlan.Here(
                                KvLink.AUTO, false, new Whereabouts("", ""), ALL::get));
        assertEquals(List.of("tcp"), schemes(plan), "with nobody");
    }

    @Test
    void oneOfferIsNoChoice() {
        assertEquals(List.of("ucx"), schemes(plan(KvLink.AUTO, UCX)));
    }

    @Test
    void aFixedLinkAllowsNothingElse() {
        ChannelPlan plan = plan(KvLink.UCX, TCP, UCX, SHM);
        assertEquals(List.of("ucx"), schemes(plan));
        assertEquals("kv.channel says so", plan.candidates().getFirst().reason());
        BatonException none = assertThrows(BatonException.class, () -> plan(KvLink.UCX, TCP, SHM));
        assertEquals(ErrorCode.KV_TRANSFER_FAILED, none.code());
        assertTrue(none.text().contains("tcp: kv.channel is ucx"), none.text());
    }

    @Test
    void withCertificatesNothingLeavesTheMachinePlain() {
        var here = new ChannelPlan.Here(KvLink.AUTO, true, HERE, ALL::get);
        ChannelPlan plan = ChannelPlan.of(List.of(UCX, SHM), here);
        assertEquals(List.of("shm"), schemes(plan));
        assertEquals(List.of("ucx: kv.tls is set, and it does not encrypt"), plan.passedOver());
    }

    @Test
    void whatIsUnknownOrMalformedIsPassedOver() {
        ChannelPlan plan =
                plan(
                        KvLink.AUTO,
                        ChannelOffer.anywhere("carrier-pigeon://x:1"),
                        ChannelOffer.anywhere("::"),
                        TCP);
        assertEquals(List.of("tcp"), schemes(plan));
        assertEquals(2, plan.passedOver().size());
    }

    @Test
    void marksTellThisProcessFromOthers() {
        Whereabouts here = Whereabouts.here();
        assertEquals(here, Whereabouts.here());
        assertNotEquals(here.host(), here.process());
        assertEquals("", here.place(Reach.NETWORK));
        assertNull(new Whereabouts("", "").place(Reach.HOST));
    }
}

package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLink;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.Kv;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Receivers that listen on several channels, and senders that choose. */
final class AutoTransferTest {
    private static final DefaultKvReceiver.Address LOCAL =
            new DefaultKvReceiver.Address("127.0.0.1", 0);
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 200);

    private final DefaultKvReceiver receiver =
            DefaultKvReceiver.listen(LOCAL, Kv.receiving(Kv.SMALL));
    private final DefaultKvSenders senders = DefaultKvSenders.of(Kv.sending(Kv.SMALL));

    @AfterEach
    void close() {
        senders.close();
        receiver.close();
    }

    private List<ChannelOffer> without(String scheme) {
        return receiver.offers().stream()
                .filter(offer -> !offer.url().startsWith(scheme + ":"))
                .toList();
    }

    private ChannelOffer offer(String scheme) {
        return receiver.offers().stream()
                .filter(offer -> offer.url().startsWith(scheme + ":"))
                .findFirst()
                .orElseThrow();
    }

    /** Sends over what is chosen of the offers; its scheme. */
    private String send(List<ChannelOffer> offers, int transfer) throws Exception {
        Destination to = new Destination(SPEC);
        receiver.expect(Kv.id(transfer, 1), SPEC, to, to);
        try (var out = senders.open(offers, Kv.id(transfer, 1), SPEC, reason -> {})) {
            Kv.sendAll(out, SPEC, transfer, new byte[] {1});
            assertTrue(to.awaitEnd());
            assertTrue(to.holds(transfer));
            return out.carrier().scheme();
        }
    }

    @Test
    void withinOneProcessMemoryCarriesKv() throws Exception {
        assertTrue(
                receiver.url().startsWith("tcp://127.0.0.1:"), "for prefillers that know no list");
        assertEquals("loopback", send(receiver.offers(), 1));
        assertEquals("loopback", send(receiver.offers(), 2));
        assertEquals(1, senders.counters().snapshot().channelsOpened(), "one channel per pair");
    }

    @Test
    void whatFailsIsFollowedByTheNext() throws Exception {
        List<ChannelOffer> offers = new ArrayList<>(List.of(offer("tcp")));
        offers.add(new ChannelOffer("loopback://nobody", offer("loopback").place()));
        assertEquals("tcp", send(offers, 3));
    }

    @Test
    void ofAllThatFailEachIsNamed() {
        receiver.close();
        BatonException failure =
                assertThrows(
                        BatonException.class,
                        () -> senders.open(receiver.offers(), Kv.id(4, 1), SPEC, reason -> {}));
        assertEquals(ErrorCode.KV_TRANSFER_FAILED, failure.code());
        assertTrue(failure.text().contains("loopback: "), failure.text());
        assertTrue(failure.text().contains("tcp: "), failure.text());
    }

    @Test
    void anotherProcessIsReachedAnotherWay() throws Exception {
        List<ChannelOffer> offers = new ArrayList<>(without("loopback"));
        offers.add(new ChannelOffer(offer("loopback").url(), "another process"));
        assertFalse(send(offers, 5).equals("loopback"));
    }

    @Test
    void aFixedLinkOffersNothingElse() throws Exception {
        var options = Kv.receiving(Kv.SMALL).withLink(KvLink.TCP);
        try (DefaultKvReceiver only = DefaultKvReceiver.listen(LOCAL, options)) {
            assertEquals(1, only.offers().size());
            assertEquals(only.url(), only.offers().getFirst().url());
            Destination to = new Destination(SPEC);
            only.expect(Kv.id(6, 1), SPEC, to, to);
            try (var out = senders.open(only.offers(), Kv.id(6, 1), SPEC, reason -> {})) {
                assertEquals("tcp", out.carrier().scheme());
            }
        }
    }
}

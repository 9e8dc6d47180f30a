package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.Kv;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Several connections between a sender and a receiver. */
final class LanesTest {
    private static final TransferSpec SPEC = Kv.spec(Kv.SMALL, 0, 160);

    private static List<KvSenders.OutboundTransfer> open(
            DefaultKvSenders senders, DefaultKvReceiver receiver, List<Destination> to, int count) {
        List<KvSenders.OutboundTransfer> out = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Destination destination = new Destination(SPEC);
            int transfer = to.size() + 1;
            to.add(destination);
            receiver.expect(Kv.id(transfer, 1), SPEC, destination, destination);
            out.add(senders.open(receiver.url(), Kv.id(transfer, 1), SPEC, reason -> {}));
        }
        return out;
    }

    private static long opened(DefaultKvSenders senders) {
        return senders.counters().snapshot().channelsOpened();
    }

    @Test
    void transfersAtTheSameTimeTakeDifferentConnectionsUpToTheLimit() throws Exception {
        List<Destination> to = new ArrayList<>();
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL).withConnections(3));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(Kv.sending(Kv.SMALL).withConnections(3))) {
            // One after the other needs one connection.
            for (int i = 0; i < 4; i++) {
                for (var out : open(senders, receiver, to, 1)) {
                    Kv.sendAll(out, SPEC, to.size(), new byte[0]);
                    assertTrue(to.getLast().awaitEnd());
                    out.close();
                }
            }
            assertEquals(1, opened(senders));
            List<KvSenders.OutboundTransfer> all = open(senders, receiver, to, 7);
            assertEquals(3, opened(senders));
            for (int i = 0; i < all.size(); i++) {
                Kv.sendAll(all.get(i), SPEC, 5L + i, new byte[0]);
            }
            for (int i = 0; i < to.size(); i++) {
                assertTrue(to.get(i).awaitEnd());
                assertTrue(to.get(i).holds(1L + i), "transfer " + i);
            }
            all.forEach(KvSenders.OutboundTransfer::close);
            assertEquals(3, opened(senders), "and none is made anew");
        }
    }

    /** Whoever has a connection of its own is not touched by the loss of another. */
    @Test
    void whatIsLostWithOneConnectionLeavesTheOthers() throws Exception {
        List<Destination> to = new ArrayList<>();
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "tcp://127.0.0.1:0", Kv.receiving(Kv.SMALL).withConnections(2));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(Kv.sending(Kv.SMALL).withConnections(2))) {
            List<KvSenders.OutboundTransfer> two = open(senders, receiver, to, 2);
            Outbound first = (Outbound) two.getFirst();
            first.channel().close(new BatonException(ErrorCode.KV_TRANSFER_FAILED, "cut"));
            assertTrue(to.getFirst().awaitEnd());
            assertEquals(1, to.getFirst().failures.get());
            Kv.sendAll(two.get(1), SPEC, 9, new byte[0]);
            assertTrue(to.get(1).awaitEnd());
            assertTrue(to.get(1).holds(9));
            two.forEach(KvSenders.OutboundTransfer::close);
        }
    }

    /** Memory of one process is as fast with one. */
    @Test
    void otherCarriersHaveOneConnection() throws Exception {
        List<Destination> to = new ArrayList<>();
        try (DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "loopback://lanes", Kv.receiving(Kv.SMALL).withConnections(3));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(Kv.sending(Kv.SMALL).withConnections(3))) {
            List<KvSenders.OutboundTransfer> all = open(senders, receiver, to, 4);
            assertEquals(1, opened(senders));
            all.forEach(KvSenders.OutboundTransfer::close);
        }
    }
}

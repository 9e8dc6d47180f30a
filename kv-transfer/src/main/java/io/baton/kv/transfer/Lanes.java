package io.baton.kv.transfer;

import io.baton.kv.channel.KvChannel;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one receiver. A transfer stays on one, which keeps its frames in order;
 * transfers at the same time take different ones, each of which is another thread's at either end.
 * Safe for any thread.
 */
final class Lanes {
    private final List<Link> links;
    private final int[] transfers;

    Lanes(int connections, long nowNanos) {
        this.links = IntStream.range(0, connections).mapToObj(i -> new Link(nowNanos)).toList();
        this.transfers = new int[connections];
    }

    /** A transfer's place on one connection. */
    final class Place {
        private final int lane;
        private boolean left;

        private Place(int lane) {
            this.lane = lane;
        }

        int lane() {
            return lane;
        }

        Link link() {
            return links.get(lane);
        }

        /** The transfer is over. Any number of times. */
        void leave() {
            synchronized (Lanes.this) {
                if (!left) {
                    left = true;
                    transfers[lane]--;
                }
            }
        }
    }

    /** A place where the fewest transfers are; the first is kept busy before others are made. */
    synchronized Place enter() {
        int best = 0;
        int usable = mayUseSeveral() ? transfers.length : 1;
        for (int lane = 1; lane < usable; lane++) {
            if (transfers[lane] < transfers[best]) {
                best = lane;
            }
        }
        transfers[best]++;
        return new Place(best);
    }

    /** What carries the KV is known once the first connection stands. */
    private boolean mayUseSeveral() {
        @Nullable Carrier carrier = links.getFirst().carrier();
        return carrier != null && carrier.gainsFromSeveral();
    }

    /** Whether nobody would miss them. */
    synchronized boolean areUnused() {
        for (int lane = 0; lane < transfers.length; lane++) {
            if (transfers[lane] > 0 || !links.get(lane).isUnused()) {
                return false;
            }
        }
        return true;
    }

    List<Link> links() {
        return links;
    }

    void forget(KvChannel channel) {
        links.forEach(link -> link.forget(channel));
    }
}

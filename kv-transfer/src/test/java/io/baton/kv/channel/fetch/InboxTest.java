package io.baton.kv.channel.fetch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Order and bounds of what a peer may announce; no UCX is needed. */
final class InboxTest {
    private static final int RING = 1000;

    /** The peer's stream: byte p has this value. */
    private static byte at(long position) {
        return (byte) (position * 31 + position / 251);
    }

    private static byte[] stream(long from, long to) {
        byte[] bytes = new byte[(int) (to - from)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = at(from + i);
        }
        return bytes;
    }

    /** A few small slots. */
    private static final class FewSlots implements Inbox.Slots {
        final ArrayDeque<MemorySegment> free = new ArrayDeque<>();
        final List<Runnable> waiting = new ArrayList<>();

        FewSlots(int count, int bytes) {
            for (int i = 0; i < count; i++) {
                free.add(MemorySegment.ofArray(new byte[bytes]));
            }
        }

        @Override
        public MemorySegment take() {
            return free.poll();
        }

        @Override
        public void await(Runnable task) {
            waiting.add(task);
        }

        @Override
        public void giveBack(MemorySegment slot) {
            free.add(slot);
            List<Runnable> all = List.copyOf(waiting);
            waiting.clear();
            all.forEach(Runnable::run);
        }
    }

    /** A fetch that was begun and waits for its end. */
    private record Fetch(long offset, MemorySegment into, Runnable onFetched, Runnable onFailed) {}

    private final FewSlots slots = new FewSlots(6, 64);
    private final List<Fetch> fetches = new ArrayList<>();
    private long base;
    private final Inbox inbox =
            new Inbox(
                    slots,
                    (offset, into, done, failed) ->
                            fetches.add(new Fetch(offset, into, done, failed)),
                    () -> {});

    private void complete(Fetch fetch, long position) {
        assertEquals(fetch.offset(), position % RING);
        long end = position + fetch.into().byteSize();
        MemorySegment.copy(
                MemorySegment.ofArray(stream(position, end)), 0, fetch.into(), 0, end - position);
        fetch.onFetched().run();
    }

    private byte[] read(int most) {
        ByteBuffer target = ByteBuffer.allocateDirect(most);
        int count = Math.max(0, inbox.read(target));
        byte[] bytes = new byte[count];
        target.flip().get(bytes);
        return bytes;
    }

    @Test
    void bytesAndRangesComeInOrderWhateverOvertakesWhat() throws Exception {
        inbox.ring(RING);
        inbox.bytes(20, stream(20, 30));
        inbox.published(30, 130);
        assertEquals(0, read(10).length);
        inbox.bytes(0, stream(0, 20));
        assertArrayEquals(stream(0, 30), read(500));
        assertEquals(30, inbox.released());
        assertEquals(2, fetches.size(), "two slots of 64 bytes hold the range");
        complete(fetches.get(1), 94);
        assertEquals(0, read(500).length, "the first is still under way");
        complete(fetches.get(0), 30);
        assertEquals(130, inbox.released(), "fetched: the peer may forget it");
        assertArrayEquals(stream(30, 130), read(500));
        inbox.end(130);
        assertEquals(-1, inbox.read(ByteBuffer.allocateDirect(8)));
    }

    @Test
    void fetchesAreBoundedAndFollowTheRing() throws Exception {
        inbox.ring(RING);
        long position = 0;
        for (int round = 0; round < 40; round++) {
            long to = inbox.released() + RING;
            if (to > base) {
                inbox.published(base, to);
                base = to;
            }
            assertTrue(fetches.size() <= 4, "fetches under way");
            List<Fetch> now = new ArrayList<>(fetches);
            fetches.clear();
            List<Long> at = new ArrayList<>();
            for (Fetch fetch : now) {
                at.add(position);
                position += fetch.into().byteSize();
            }
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < now.size(); i++) {
                order.add(i);
            }
            Collections.shuffle(order, new Random(round));
            for (int i : order) {
                complete(now.get(i), at.get(i));
            }
            long from = at.getFirst();
            assertArrayEquals(stream(from, position), read(1000));
        }
        assertTrue(position > 3 * RING);
    }

    @Test
    void channelsShareSlotsAndWaitForThem() throws Exception {
        List<MemorySegment> taken = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            taken.add(slots.take());
        }
        inbox.ring(RING);
        inbox.published(0, 10);
        assertTrue(fetches.isEmpty());
        slots.giveBack(taken.getFirst());
        assertEquals(1, fetches.size());
        inbox.close();
        fetches.getFirst().onFetched().run();
        assertEquals(1, slots.free.size(), "what was being filled comes back after close");
    }

    @Test
    void aPeerThatBreaksTheRulesIsFoundOut() throws Exception {
        inbox.ring(RING);
        inbox.bytes(0, new byte[10]);
        assertThrows(Inbox.Violation.class, () -> inbox.ring(RING));
        assertThrows(Inbox.Violation.class, () -> inbox.bytes(5, new byte[10]));
        assertThrows(Inbox.Violation.class, () -> inbox.published(10, 10));
        assertThrows(Inbox.Violation.class, () -> inbox.published(20, 15));
        assertThrows(Inbox.Violation.class, () -> inbox.published(-5, 15));
        assertThrows(Inbox.Violation.class, () -> inbox.published(10, 1L << 40));
        assertThrows(Inbox.Violation.class, () -> inbox.end(3));
        inbox.end(12);
        assertThrows(Inbox.Violation.class, () -> inbox.published(12, 13));
        assertThrows(Inbox.Violation.class, () -> inbox.end(12));
    }

    @Test
    void ringsHaveALimit() {
        for (long bytes : new long[] {0, -1, Inbox.MAX_RING_BYTES + 1}) {
            assertThrows(Inbox.Violation.class, () -> inbox.ring(bytes));
        }
    }

    @Test
    void bytesThatNobodyReadsAreBounded() {
        assertThrows(
                Inbox.Violation.class,
                () -> {
                    inbox.ring(1 << 20);
                    for (int i = 0; i < 100; i++) {
                        inbox.bytes(i * 1000L, new byte[1000]);
                    }
                });
    }

    @Test
    void piecesOutOfOrderAreBounded() {
        int[] taken = {0};
        assertThrows(
                Inbox.Violation.class,
                () -> {
                    inbox.ring(RING);
                    for (; taken[0] < 100; taken[0]++) {
                        inbox.published(2 + 2L * taken[0], 3 + 2L * taken[0]);
                    }
                });
        assertEquals(64, taken[0]);
    }

    @Test
    void headersAreReadAsWritten() {
        MemorySegment header = MemorySegment.ofArray(new byte[FetchMessage.HEADER_BYTES]);
        for (FetchMessage message : FetchMessage.values()) {
            message.write(header, 1L << 40, -7);
            assertEquals(message, FetchMessage.kind(header));
            assertEquals(1L << 40, FetchMessage.first(header));
            assertEquals(-7, FetchMessage.second(header));
        }
        assertEquals(null, FetchMessage.kind(header.asSlice(0, 23)));
        byte[] unknown = new byte[FetchMessage.HEADER_BYTES];
        Arrays.fill(unknown, (byte) 9);
        assertEquals(null, FetchMessage.kind(MemorySegment.ofArray(unknown)));
    }
}

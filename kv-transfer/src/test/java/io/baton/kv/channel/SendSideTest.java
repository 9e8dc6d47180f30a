package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.SendSide.Watch;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.testkit.Kv;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What waits to be sent, and when a peer that takes nothing is given up. */
final class SendSideTest {
    private static final long LIMIT = ChannelOptions.Bounds.DEFAULT.writeStallNanos();

    /** Takes no byte until it is opened a little. */
    private static final class Full implements ByteTransport {
        private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        private int room;

        @Override
        public long write(ByteBuffer[] buffers, int count) {
            long written = 0;
            for (int i = 0; i < count; i++) {
                while (room > 0 && buffers[i].hasRemaining()) {
                    taken.write(buffers[i].get());
                    room--;
                    written++;
                }
            }
            return written;
        }

        @Override
        public int read(ByteBuffer target) {
            return 0;
        }

        @Override
        public void wantWrite() {}

        @Override
        public void readLater() {}

        @Override
        public void finishWriting() {}

        @Override
        public void close() {}
    }

    private long now = 1_000_000_000;

    private final Full transport = new Full();

    private SendSide side() {
        Ticker ticker = () -> now;
        ChannelOptions options =
                ChannelOptions.of(Kv.hello("prefiller", 1, Kv.SMALL), ClusterToken.of(""), ticker);
        int queue = 64 << 10;
        ByteBuffer memory = ByteBuffer.allocateDirect(queue + KvChannel.CONTROL_BYTES);
        return new SendSide(transport, options, memory, queue);
    }

    private SendSide waiting() throws Exception {
        SendSide side = side();
        assertEquals(SendResult.OK, side.offer(Frames.end(new byte[100])));
        return side;
    }

    private static byte[] bytesOf(FrameBatch... batches) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (FrameBatch batch : batches) {
            for (int i = 0; i < 2 * batch.frames(); i++) {
                ByteBuffer whole = batch.buffers()[i].duplicate().rewind();
                while (whole.hasRemaining()) {
                    all.write(whole.get());
                }
            }
        }
        return all.toByteArray();
    }

    /** What was lent is read where it lies, after what the transport took at once. */
    @Test
    void whatIsLentIsSentFromItsOwnersMemory() throws Exception {
        SendSide side = side();
        byte[] payload = new byte[5_000];
        FrameBatch batch = Frames.end(payload);
        transport.room = 1_000;
        assertEquals(SendResult.OK, side.lend(batch));
        assertFalse(side.hasRoom(0), "the memory is still lent");
        payload[4_999] = 7;
        FrameBatch control = Frames.end(new byte[] {1});
        assertEquals(SendResult.OK, side.offerControl(control));
        transport.room = Integer.MAX_VALUE;
        side.onWritable();
        assertTrue(side.hasRoom(0));
        assertArrayEquals(bytesOf(batch, control), transport.taken.toByteArray());
    }

    /** Its owner takes the memory back in mid-frame: the frame is sent whole all the same. */
    @Test
    void whatIsTakenBackIsSentBeforeWhatCameLater() throws Exception {
        for (int room = 0; room < 5_200; room += 130) {
            transport.taken.reset();
            SendSide side = side();
            byte[] payload = new byte[5_000];
            new SplittableRandom(room).nextBytes(payload);
            FrameBatch batch = Frames.end(payload);
            byte[] expected = bytesOf(batch);
            transport.room = room;
            assertEquals(SendResult.OK, side.lend(batch));
            FrameBatch control = Frames.end(new byte[] {1, 2, 3});
            byte[] after = bytesOf(control);
            assertEquals(SendResult.OK, side.offerControl(control));
            side.takeBack(batch);
            Arrays.fill(payload, (byte) 0);
            transport.room = Integer.MAX_VALUE;
            side.onWritable();
            byte[] all = Arrays.copyOf(expected, expected.length + after.length);
            System.arraycopy(after, 0, all, expected.length, after.length);
            assertArrayEquals(all, transport.taken.toByteArray());
        }
    }

    @Test
    void aClosedSideTouchesNothingThatWasLent() throws Exception {
        SendSide side = side();
        FrameBatch batch = Frames.end(new byte[5_000]);
        assertEquals(SendResult.OK, side.lend(batch));
        assertTrue(side.close());
        transport.room = Integer.MAX_VALUE;
        side.onWritable();
        side.takeBack(batch);
        assertEquals(0, transport.taken.size());
        assertEquals(SendResult.CLOSED, side.lend(batch));
    }

    @Test
    void aPeerThatTakesNothingAndSaysNothingIsGivenUpAtTheSecondLook() throws Exception {
        SendSide side = waiting();
        assertEquals(Watch.FINE, side.watch(now + LIMIT, now));
        assertEquals(Watch.FINE, side.watch(now + LIMIT + 1, now));
        assertEquals(Watch.STALLED, side.watch(now + LIMIT + 2, now));
    }

    /** A full buffer of the system before a slow link: answers come, room does not. */
    @Test
    void aPeerThatStillAnswersIsNotGivenUp() throws Exception {
        SendSide side = waiting();
        long began = now;
        for (int i = 1; i <= 50; i++) {
            long heard = began + i * LIMIT / 2;
            assertEquals(Watch.FINE, side.watch(heard + LIMIT / 4, heard));
        }
        long last = began + 25 * LIMIT;
        assertEquals(Watch.FINE, side.watch(last + LIMIT + 1, last));
        assertEquals(Watch.STALLED, side.watch(last + LIMIT + 2, last));
    }
}

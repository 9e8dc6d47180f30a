package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.SendSide.Watch;
import io.baton.kv.testkit.Kv;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** When a peer that takes nothing is given up. */
final class SendSideTest {
    private static final long LIMIT = ChannelOptions.Bounds.DEFAULT.writeStallNanos();

    /** Takes no byte, ever. */
    private static final class Full implements ByteTransport {
        @Override
        public long write(ByteBuffer[] buffers, int count) {
            return 0;
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

    private SendSide waiting() throws Exception {
        Ticker ticker = () -> now;
        ChannelOptions options =
                ChannelOptions.of(Kv.hello("prefiller", 1, Kv.SMALL), ClusterToken.of(""), ticker);
        int queue = 64 << 10;
        ByteBuffer memory = ByteBuffer.allocateDirect(queue + KvChannel.CONTROL_BYTES);
        SendSide side = new SendSide(new Full(), options, memory, queue);
        assertEquals(SendResult.OK, side.offer(Frames.end(new byte[100])));
        return side;
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

package io.baton.kv.channel;

import io.baton.kv.frame.FrameBatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What of one batch waits to be written, in its owner's memory. Under the channel's lock. */
final class Lent {
    private ByteBuffer[] buffers = new ByteBuffer[0];
    private int count;
    private @Nullable FrameBatch owner;

    boolean isEmpty() {
        return count == 0;
    }

    /** Whether bytes of this batch wait. */
    boolean isOf(FrameBatch batch) {
        return owner == batch;
    }

    long bytes() {
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += buffers[i].remaining();
        }
        return bytes;
    }

    /** Takes what remains of a batch; nothing waits before. */
    void take(FrameBatch batch) {
        int most = 2 * batch.frames();
        if (buffers.length < most) {
            buffers = new ByteBuffer[most];
            Arrays.fill(buffers, ByteTransport.NOTHING);
        }
        for (int i = 0; i < most; i++) {
            if (batch.buffers()[i].hasRemaining()) {
                buffers[count++] = batch.buffers()[i];
            }
        }
        owner = count > 0 ? batch : null;
    }

    /** Writes as much as the transport takes. */
    long drainTo(ByteTransport transport) throws IOException {
        if (count == 0) {
            return 0;
        }
        long written = transport.write(buffers, count);
        int done = 0;
        while (done < count && !buffers[done].hasRemaining()) {
            done++;
        }
        System.arraycopy(buffers, done, buffers, 0, count - done);
        keep(count - done);
        return written;
    }

    /** Copies what waits to the ring's head; it has the room, as control frames leave it. */
    void moveTo(OutputRing ring) {
        for (int i = count - 1; i >= 0; i--) {
            ring.putFirst(buffers[i]);
        }
        keep(0);
    }

    /** Never touches the owner's memory again. */
    void forget() {
        keep(0);
    }

    private void keep(int left) {
        Arrays.fill(buffers, left, count, ByteTransport.NOTHING);
        count = left;
        if (left == 0) {
            owner = null;
        }
    }
}

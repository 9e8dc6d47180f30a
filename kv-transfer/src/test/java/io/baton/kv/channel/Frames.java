package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** A handler that keeps what it hears. */
final class Frames implements ChannelHandler {
    final BlockingQueue<KvChannel> opened = new LinkedBlockingQueue<>();
    final BlockingQueue<byte[]> payloads = new LinkedBlockingQueue<>();
    final BlockingQueue<BatonException> closed = new LinkedBlockingQueue<>();
    final BlockingQueue<FrameError> invalid = new LinkedBlockingQueue<>();
    final AtomicInteger ticks = new AtomicInteger();
    final CountDownLatch blocked = new CountDownLatch(1);

    /** Frames that may be handled before the handler blocks. */
    final Semaphore permits = new Semaphore(Integer.MAX_VALUE / 2);

    volatile boolean throwing;

    @Override
    public void onOpen(KvChannel channel) {
        opened.add(channel);
    }

    @Override
    public void onFrame(KvChannel channel, FrameHeader header, MemorySegment payload) {
        if (throwing) {
            throwing = false;
            throw new IllegalStateException("a bug in the handler");
        }
        if (!permits.tryAcquire()) {
            blocked.countDown();
            permits.acquireUninterruptibly();
        }
        payloads.add(payload.toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public void onInvalid(FrameError error) {
        invalid.add(error);
    }

    @Override
    public void onClosed(KvChannel channel, BatonException reason) {
        closed.add(reason);
    }

    @Override
    public void onTick(long nowNanos) {
        ticks.incrementAndGet();
    }

    /** A frame that carries any bytes. */
    static FrameBatch end(byte[] payload) {
        FrameBatch batch = new FrameBatch(1);
        batch.begin(FrameType.END).identity(1, 1, Long.MAX_VALUE);
        batch.end(ByteBuffer.wrap(payload));
        return batch;
    }
}

package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One end of a pair of pipes. */
final class LoopbackTransport implements ByteTransport {
    private final ChannelLoop loop;
    private final BytePipe incoming;
    private final BytePipe outgoing;
    private final AtomicBoolean readScheduled = new AtomicBoolean();
    private final AtomicBoolean writeWanted = new AtomicBoolean();
    private volatile @Nullable LoopbackTransport other;
    private volatile @Nullable FramedChannel channel;

    LoopbackTransport(ChannelLoop loop, BytePipe incoming, BytePipe outgoing) {
        this.loop = loop;
        this.incoming = incoming;
        this.outgoing = outgoing;
    }

    /** Set once, before the first use. */
    void join(LoopbackTransport otherEnd, FramedChannel owner) {
        other = otherEnd;
        channel = owner;
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        long taken = outgoing.write(buffers, count);
        if (taken < 0) {
            throw new IOException("the peer has gone");
        }
        LoopbackTransport peer = other;
        if (taken > 0 && peer != null) {
            peer.readLater();
        }
        return taken;
    }

    @Override
    public int read(ByteBuffer target) {
        int bytes = incoming.read(target);
        LoopbackTransport peer = other;
        if (bytes > 0 && peer != null) {
            peer.writeIfWanted();
        }
        return bytes;
    }

    @Override
    public void wantWrite() {
        writeWanted.set(true);
        if (outgoing.hasRoom()) {
            writeIfWanted();
        }
    }

    private void writeIfWanted() {
        FramedChannel owner = channel;
        if (owner != null && writeWanted.getAndSet(false)) {
            loop.execute(owner::onWritable);
        }
    }

    @Override
    public void readLater() {
        FramedChannel owner = channel;
        if (owner != null && !readScheduled.getAndSet(true)) {
            loop.execute(
                    () -> {
                        readScheduled.set(false);
                        owner.onReadable();
                    });
        }
    }

    @Override
    public void finishWriting() {
        outgoing.end();
        wakePeer();
    }

    @Override
    public void close() {
        incoming.cut();
        outgoing.end();
        wakePeer();
    }

    private void wakePeer() {
        LoopbackTransport peer = other;
        if (peer != null) {
            peer.readLater();
            peer.writeIfWanted();
        }
    }

    /** Both ends of a new connection. */
    static FramedChannel pair(
            LoopbackLoop sending, LoopbackLoop receiving, int pipeBytes, Handshake handshake)
            throws BatonException {
        BytePipe there = new BytePipe(pipeBytes);
        BytePipe back = new BytePipe(pipeBytes);
        LoopbackTransport near = new LoopbackTransport(sending, back, there);
        LoopbackTransport far = new LoopbackTransport(receiving, there, back);
        FramedChannel nearChannel = new FramedChannel(sending, near, handshake);
        FramedChannel farChannel =
                new FramedChannel(
                        receiving, far, new Handshake.Receiver(receiving.group().options()));
        near.join(far, nearChannel);
        far.join(near, farChannel);
        sending.execute(nearChannel::start);
        return nearChannel;
    }
}

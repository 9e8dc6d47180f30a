package io.baton.kv.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** Bytes over a socket. */
final class NioTransport implements SelectedTransport {
    private static final System.Logger LOG = System.getLogger(NioTransport.class.getName());

    private final SocketChannel socket;
    private volatile @Nullable SelectionKey key;
    private volatile @Nullable FramedChannel channel;

    NioTransport(SocketChannel socket) {
        this.socket = socket;
    }

    @Override
    public void attach(SelectionKey registered, FramedChannel owner) {
        channel = owner;
        key = registered;
    }

    @Override
    public void onReady() {
        SelectionKey registered = key;
        FramedChannel owner = channel;
        if (registered == null || owner == null) {
            return;
        }
        if (registered.isWritable()) {
            registered.interestOpsAnd(~SelectionKey.OP_WRITE);
            owner.onWritable();
        }
        if (registered.isValid() && registered.isReadable()) {
            owner.onReadable();
        }
    }

    @Override
    public SocketChannel socket() {
        return socket;
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        return socket.write(buffers, 0, count);
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        return socket.read(target);
    }

    @Override
    public long read(ByteBuffer[] targets, int count) throws IOException {
        return socket.read(targets, 0, count);
    }

    @Override
    public void wantWrite() {
        SelectionKey registered = key;
        if (registered == null) {
            return;
        }
        try {
            if ((registered.interestOpsOr(SelectionKey.OP_WRITE) & SelectionKey.OP_WRITE) == 0) {
                registered.selector().wakeup();
            }
        } catch (CancelledKeyException e) {
            // Closed meanwhile: the loop is told by close(), there is nothing left to write.
            LOG.log(System.Logger.Level.TRACE, "write wanted on a closed channel", e);
        }
    }

    @Override
    public void readLater() {
        // The selector reports unread bytes again by itself.
    }

    @Override
    public boolean tellsOfMore() {
        return true;
    }

    @Override
    public void finishWriting() {
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            // The peer was faster; the read that follows tells the channel.
            LOG.log(System.Logger.Level.TRACE, "shutting down the output", e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a socket", e);
        }
        SelectionKey registered = key;
        if (registered != null) {
            // The descriptor is freed when the selector next looks at its keys.
            registered.selector().wakeup();
        }
    }
}

package io.baton.kv.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Encrypted bytes over a socket. The engine's handshake runs on the loop's thread, before the first
 * byte of the channel; until then nothing is taken. Records are made by whoever writes, under a
 * lock of their own, and read on the loop's thread.
 */
final class TlsTransport implements SelectedTransport {
    private static final System.Logger LOG = System.getLogger(TlsTransport.class.getName());

    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    /** Records that may wait for the socket. */
    private static final int RECORDS_OUT = 8;

    private static final int RECORDS_IN = 4;

    private final ChannelLoop loop;
    private final NioTransport inner;
    private final SSLEngine engine;
    private final AtomicBoolean writeWanted = new AtomicBoolean();
    private volatile @Nullable SelectionKey key;
    private volatile @Nullable FramedChannel channel;
    private volatile boolean open;
    private @Nullable IOException failure;

    // Records for the socket, ready to be filled further; under its own lock.
    private final ByteBuffer out;
    private boolean finishing;
    private boolean finished;

    // Bytes of the socket, and decrypted ones for which the reader had no room; both ready to be
    // read.
    private final ByteBuffer in;
    private final ByteBuffer plain;

    TlsTransport(ChannelLoop loop, NioTransport inner, SSLEngine engine) {
        this.loop = loop;
        this.inner = inner;
        this.engine = engine;
        int record = engine.getSession().getPacketBufferSize();
        this.out = ByteBuffer.allocate(RECORDS_OUT * record);
        this.in = ByteBuffer.allocate(RECORDS_IN * record).limit(0);
        this.plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize()).limit(0);
    }

    @Override
    public SocketChannel socket() {
        return inner.socket();
    }

    @Override
    public void attach(SelectionKey registered, FramedChannel owner) {
        channel = owner;
        inner.attach(registered, owner);
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
            try {
                onSocketWritable();
            } catch (IOException e) {
                // The channel hears of it as it reads.
                failure = e;
                tellPeer();
                owner.onReadable();
                return;
            }
            if (open && writeWanted.getAndSet(false)) {
                owner.onWritable();
            }
        }
        if (registered.isValid() && registered.isReadable()) {
            owner.onReadable();
        }
    }

    private void onSocketWritable() throws IOException {
        if (!open) {
            shake();
        }
        synchronized (out) {
            flush();
        }
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        if (!open) {
            return 0;
        }
        long taken = 0;
        synchronized (out) {
            boolean all = false;
            while (!all && flush()) {
                SSLEngineResult result;
                do {
                    result = engine.wrap(buffers, 0, count, out);
                    taken += result.bytesConsumed();
                    all = isEmpty(buffers, count);
                } while (!all && result.getStatus() == SSLEngineResult.Status.OK);
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    throw new IOException("TLS is closed");
                }
            }
            flush();
        }
        return taken;
    }

    private static boolean isEmpty(ByteBuffer[] buffers, int count) {
        for (int i = count - 1; i >= 0; i--) {
            if (buffers[i].hasRemaining()) {
                return false;
            }
        }
        return true;
    }

    /** Gives the socket what waits; whether nothing is left. Holding the lock of {@code out}. */
    private boolean flush() throws IOException {
        out.flip();
        try {
            if (out.hasRemaining()) {
                inner.write(new ByteBuffer[] {out}, 1);
            }
        } finally {
            out.compact();
        }
        if (out.position() > 0) {
            inner.wantWrite();
            return false;
        }
        if (finishing && !finished) {
            finished = true;
            inner.finishWriting();
        }
        return true;
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        int before = target.position();
        try {
            IOException failed = failure;
            if (failed != null) {
                throw failed;
            }
            while (target.hasRemaining()) {
                if (plain.hasRemaining()) {
                    move(plain, target);
                } else if (!open) {
                    int end = shake();
                    if (!open) {
                        return end;
                    }
                } else if (!decrypt(target)) {
                    int read = fill();
                    if (read <= 0) {
                        int got = target.position() - before;
                        return got > 0 || read == 0 ? got : -1;
                    }
                }
            }
        } catch (SSLException e) {
            tellPeer();
            throw new IOException(
                    "TLS: %s; do both sides have kv.tls, and certificates of one authority?"
                            .formatted(e.getMessage()),
                    e);
        }
        return target.position() - before;
    }

    private static void move(ByteBuffer from, ByteBuffer to) {
        int bytes = Math.min(from.remaining(), to.remaining());
        to.put(to.position(), from, from.position(), bytes);
        from.position(from.position() + bytes);
        to.position(to.position() + bytes);
    }

    /** Decrypts a record; false if there is no whole one. */
    private boolean decrypt(ByteBuffer target) throws IOException {
        boolean direct = target.remaining() >= plain.capacity();
        SSLEngineResult result;
        if (direct) {
            result = engine.unwrap(in, target);
        } else {
            plain.clear();
            try {
                result = engine.unwrap(in, plain);
            } finally {
                plain.flip();
            }
        }
        answer();
        return switch (result.getStatus()) {
            case OK -> true;
            case BUFFER_UNDERFLOW -> false;
            case BUFFER_OVERFLOW -> throw new SSLException("a record is longer than records are");
            case CLOSED -> {
                in.position(in.limit());
                yield false;
            }
        };
    }

    /** After the handshake a peer may change its key, say: what that asks for is done at once. */
    private void answer() throws IOException {
        if (engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_TASK) {
            runTasks();
        }
        if (engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
            synchronized (out) {
                engine.wrap(NONE, out);
                flush();
            }
        }
    }

    /** Reads from the socket: bytes, 0 for nothing now, -1 for the end. */
    private int fill() throws IOException {
        if (engine.isInboundDone()) {
            return -1;
        }
        in.compact();
        try {
            return inner.read(in);
        } finally {
            in.flip();
        }
    }

    /** Moves the handshake on as far as it goes; 0, or -1 if the peer has ended. Loop's thread. */
    private int shake() throws IOException {
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> {
                    synchronized (out) {
                        SSLEngineResult result = engine.wrap(NONE, out);
                        if (!flush()
                                && result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
                            return 0;
                        }
                        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                            return -1;
                        }
                    }
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    plain.clear();
                    SSLEngineResult result;
                    try {
                        result = engine.unwrap(in, plain);
                    } finally {
                        plain.flip();
                    }
                    if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                        int read = fill();
                        if (read <= 0) {
                            return read;
                        }
                    } else if (result.getStatus() != SSLEngineResult.Status.OK) {
                        return -1;
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    return begin();
                }
            }
        }
    }

    /** Begins the handshake where it has not, opens the transport where it is over. */
    private int begin() throws IOException {
        if (open) {
            return 0;
        }
        if (engine.getSession().getProtocol().equals("NONE")) {
            engine.beginHandshake();
            return shake();
        }
        open = true;
        FramedChannel owner = channel;
        if (owner != null && writeWanted.getAndSet(false)) {
            loop.execute(owner::onWritable);
        }
        return 0;
    }

    private void runTasks() {
        for (Runnable task = engine.getDelegatedTask();
                task != null;
                task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    /** The engine has refused what came: sends its alert, if the socket takes it. */
    private void tellPeer() {
        try {
            synchronized (out) {
                engine.wrap(NONE, out);
                flush();
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a peer was not told why", e);
        }
    }

    @Override
    public void wantWrite() {
        writeWanted.set(true);
        inner.wantWrite();
    }

    @Override
    public void readLater() {
        // The selector does not know of bytes that are here already.
        FramedChannel owner = channel;
        if (owner != null) {
            loop.execute(owner::onReadable);
        }
    }

    @Override
    public void finishWriting() {
        try {
            synchronized (out) {
                engine.closeOutbound();
                engine.wrap(NONE, out);
                finishing = true;
                flush();
            }
        } catch (IOException e) {
            // The peer was faster; the read that follows tells the channel.
            LOG.log(System.Logger.Level.TRACE, "ending TLS", e);
        }
    }

    @Override
    public void close() {
        inner.close();
    }
}

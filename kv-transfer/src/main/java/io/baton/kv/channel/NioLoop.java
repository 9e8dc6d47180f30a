package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** One selector and its thread; what the sockets carry is their transports' business. */
public final class NioLoop implements ChannelLoop {
    /** Makes the transport of a socket that was accepted. */
    @FunctionalInterface
    public interface Accepting {
        /**
         * The transport of a socket, on the thread of the loop that has it.
         *
         * @throws IOException if the peer may not connect; the socket is closed
         */
        SelectedTransport transport(SocketChannel socket, NioLoop loop) throws IOException;

        /** The loop that gets the next socket. */
        default NioLoop next(NioLoop accepting) {
            return accepting;
        }
    }

    private static final System.Logger LOG = System.getLogger(NioLoop.class.getName());

    private final Selector selector;
    private final ChannelGroup group;
    private final LoopThread thread;
    private final long timeoutMillis;
    private @Nullable SelectionKey pausedAccept;

    /** A loop that has not begun: see {@link #start}. */
    public NioLoop(String name, ChannelGroup group) {
        this.group = group;
        this.timeoutMillis = Math.max(1, group.options().bounds().tickNanos() / 1_000_000);
        try {
            this.selector = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException("no selector could be opened", e);
        }
        this.thread = new LoopThread(name, group, this::run, selector::wakeup);
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    @Override
    public ChannelGroup group() {
        return group;
    }

    @Override
    public void execute(Runnable task) {
        thread.execute(task);
    }

    /** Registers a listening socket. */
    public void listen(ServerSocketChannel server, Accepting accepting) {
        execute(() -> register(server, accepting));
    }

    private void register(ServerSocketChannel server, Accepting accepting) {
        try {
            server.register(selector, SelectionKey.OP_ACCEPT, accepting);
        } catch (ClosedChannelException e) {
            // Closed before its turn came: nobody is to be let in.
            LOG.log(System.Logger.Level.DEBUG, "a listener was closed at once");
        }
    }

    /**
     * Starts a connection that was begun, or is already there.
     *
     * @throws IOException if the loop is closed
     */
    public FramedChannel connect(SelectedTransport transport, Handshake handshake)
            throws IOException {
        if (thread.isStopping()) {
            throw new IOException("the KV channels are closed");
        }
        FramedChannel channel = new FramedChannel(this, transport, handshake);
        execute(() -> attach(transport, channel));
        return channel;
    }

    private void attach(SelectedTransport transport, FramedChannel channel) {
        try {
            boolean connected = transport.socket().isConnected();
            int interest = connected ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT;
            Attached attached = new Attached(transport, channel);
            transport.attach(transport.socket().register(selector, interest, attached), channel);
            if (connected) {
                channel.start();
            }
        } catch (IOException e) {
            channel.abort(unreachable(e));
        } catch (ClosedSelectorException e) {
            channel.abort(new BatonException(ErrorCode.DRAINING, "the KV channels are closed"));
        }
    }

    private void run() {
        try {
            while (!thread.isStopping() || !group.isEmpty()) {
                selector.select(this::dispatch, timeoutMillis);
                thread.runTasks();
                group.tick();
                acceptAgain();
            }
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a KV channel loop failed", e);
            group.abortAll(
                    new BatonException(
                            ErrorCode.INTERNAL, "the KV channel loop failed: " + e, null, e));
        } finally {
            end();
        }
    }

    private void dispatch(SelectionKey key) {
        try {
            if (key.attachment() instanceof Attached attached) {
                dispatch(key, attached);
            } else if (key.attachment() instanceof Accepting accepting
                    && key.channel() instanceof ServerSocketChannel server) {
                accept(key, server, accepting);
            }
        } catch (CancelledKeyException e) {
            LOG.log(System.Logger.Level.TRACE, "event of a closed channel", e);
        }
    }

    /** A connection as its key knows it. */
    private record Attached(SelectedTransport transport, FramedChannel channel) {}

    private void dispatch(SelectionKey key, Attached attached) {
        if (key.isConnectable()) {
            try {
                attached.transport().socket().finishConnect();
                key.interestOps(SelectionKey.OP_READ);
                attached.channel().start();
            } catch (IOException e) {
                attached.channel().abort(unreachable(e));
            }
            return;
        }
        attached.transport().onReady();
    }

    private void accept(SelectionKey key, ServerSocketChannel server, Accepting accepting) {
        SocketChannel socket;
        try {
            socket = server.accept();
        } catch (IOException e) {
            // Out of descriptors, say: waits for one turn instead of trying without end.
            LOG.log(System.Logger.Level.WARNING, "accepting a KV channel failed", e);
            key.interestOps(0);
            pausedAccept = key;
            return;
        }
        if (socket == null) {
            return;
        }
        NioLoop owner = accepting.next(this);
        if (owner == this) {
            accept(socket, accepting);
        } else {
            owner.execute(() -> owner.accept(socket, accepting));
        }
    }

    private void accept(SocketChannel socket, Accepting accepting) {
        try {
            if (thread.isStopping() || group.isFull()) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "refused a KV channel: {0} are open, the limit",
                        group.options().bounds().maxChannels());
                socket.close();
                return;
            }
            SelectedTransport transport;
            try {
                transport = accepting.transport(socket, this);
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
            attach(
                    transport,
                    new FramedChannel(this, transport, new Handshake.Receiver(group.options())));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "a KV channel was not taken", e);
        }
    }

    private void acceptAgain() {
        SelectionKey key = pausedAccept;
        if (key != null && key.isValid()) {
            key.interestOps(SelectionKey.OP_ACCEPT);
        }
        pausedAccept = null;
    }

    private void end() {
        thread.end();
        try {
            selector.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a selector", e);
        }
    }

    /** As {@link LoopThread#close}. */
    public void close(BatonException reason) {
        thread.close(reason);
    }

    private static BatonException unreachable(IOException cause) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "the KV receiver cannot be reached: " + cause.getMessage(),
                null,
                cause);
    }
}

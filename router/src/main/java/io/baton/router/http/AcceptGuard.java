package io.baton.router.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.ScheduledFuture;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxBootstrap;
import io.vertx.core.spi.transport.Transport;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Bounds connections from the moment they are accepted: in number, and in the time until the first
 * request's headers are there. Until then Vert.x does not know whether a connection speaks HTTP/1.1
 * or HTTP/2 or wants to upgrade, and neither tells of it nor ends it when it stays silent.
 */
public final class AcceptGuard implements Transport {
    private final int maxConnections;
    private final long headerNanos;
    private final AtomicInteger open = new AtomicInteger();

    public AcceptGuard(HttpLimits limits) {
        this.maxConnections = limits.maxConnections();
        this.headerNanos = limits.headerNanos();
    }

    /** A Vert.x whose servers accept through this guard. */
    public Vertx vertx() {
        return VertxBootstrap.create().options(new VertxOptions()).transport(this).init().vertx();
    }

    /** Connections that are open now. */
    public int open() {
        return open.get();
    }

    @Override
    public IoHandlerFactory ioHandlerFactory() {
        return NioIoHandler.newFactory();
    }

    @Override
    public DatagramChannel datagramChannel() {
        return new NioDatagramChannel();
    }

    @Override
    @SuppressWarnings("deprecation") // the interface has the old type
    public DatagramChannel datagramChannel(InternetProtocolFamily family) {
        return new NioDatagramChannel(family);
    }

    @Override
    public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
        return NioSocketChannel::new;
    }

    @Override
    public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
        return Acceptor::new;
    }

    private final class Acceptor extends NioServerSocketChannel {
        @Override
        protected int doReadMessages(List<Object> accepted) throws Exception {
            int before = accepted.size();
            super.doReadMessages(accepted);
            for (int i = accepted.size() - 1; i >= before; i--) {
                Channel channel = (Channel) accepted.get(i);
                if (open.incrementAndGet() > maxConnections) {
                    open.decrementAndGet();
                    accepted.remove(i);
                    channel.unsafe().closeForcibly();
                } else {
                    channel.closeFuture().addListener(closed -> open.decrementAndGet());
                    channel.pipeline().addFirst(new FirstHeaders(headerNanos));
                }
            }
            return accepted.size() - before;
        }
    }

    /**
     * Ends a connection whose first headers do not come in time: the first blank line after a line,
     * which HTTP/2's preface has too. On the connection's event loop.
     */
    private static final class FirstHeaders extends ChannelInboundHandlerAdapter {
        private final long nanos;
        private int lineBytes;
        private boolean begun;
        private @Nullable ScheduledFuture<?> timer;

        FirstHeaders(long nanos) {
            this.nanos = nanos;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            timer = context.executor().schedule(() -> context.close(), nanos, TimeUnit.NANOSECONDS);
            context.fireChannelActive();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof ByteBuf bytes && endsHeaders(bytes)) {
                stop();
                context.pipeline().remove(this);
            }
            context.fireChannelRead(message);
        }

        private boolean endsHeaders(ByteBuf bytes) {
            for (int i = bytes.readerIndex(); i < bytes.writerIndex(); i++) {
                byte b = bytes.getByte(i);
                if (b == '\n') {
                    if (begun && lineBytes == 0) {
                        return true;
                    }
                    begun |= lineBytes > 0;
                    lineBytes = 0;
                } else if (b != '\r') {
                    lineBytes++;
                }
            }
            return false;
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            stop();
            context.fireChannelInactive();
        }

        private void stop() {
            if (timer != null) {
                timer.cancel(false);
                timer = null;
            }
        }
    }
}

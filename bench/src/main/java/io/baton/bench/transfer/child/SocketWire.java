package io.baton.bench.transfer.child;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What Java's sockets reach when nothing else is asked of them: blocking, one to a stream, read
 * straight to their place; no frames, no checksum, nobody told.
 */
final class SocketWire implements Wire {
    private static final long LIMIT_SECONDS = 60;

    private final Pools pools;
    private final List<SocketChannel> open = new ArrayList<>();
    private @Nullable ServerSocketChannel server;
    private volatile @Nullable CountDownLatch left;

    SocketWire(Pools pools) {
        this.pools = pools;
    }

    @Override
    public String listen() throws IOException {
        ServerSocketChannel now = ServerSocketChannel.open();
        now.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        server = now;
        return String.valueOf(((InetSocketAddress) now.getLocalAddress()).getPort());
    }

    @Override
    public void expect(Load load) {
        CountDownLatch latch = new CountDownLatch(load.streams());
        left = latch;
        for (int i = 0; i < load.streams(); i++) {
            int stream = i;
            Thread.ofPlatform().daemon().start(() -> receive(load, stream, latch));
        }
    }

    private void receive(Load load, int stream, CountDownLatch latch) {
        ServerSocketChannel listening = server;
        if (listening == null) {
            throw new IllegalStateException("this process does not listen");
        }
        try (SocketChannel socket = listening.accept()) {
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer place = pools.of(stream).asByteBuffer();
            for (int i = 0; i < load.messages(); i++) {
                fill(socket, place.clear().limit((int) load.shape().bytes()));
            }
            latch.countDown();
            // Round trips go on until the other side has enough.
            ByteBuffer word = ByteBuffer.allocateDirect(Long.BYTES);
            while (socket.read(word.clear()) > 0) {
                socket.write(word.flip());
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void fill(SocketChannel socket, ByteBuffer place) throws IOException {
        while (place.hasRemaining()) {
            if (socket.read(place) < 0) {
                throw new EOFException("the sender ended early");
            }
        }
    }

    @Override
    public long awaitEnd() throws InterruptedException {
        CountDownLatch latch = left;
        if (latch == null || !latch.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the sockets did not end in a minute");
        }
        return System.nanoTime();
    }

    @Override
    public long send(String port, Load load) throws IOException, InterruptedException {
        closeAll();
        for (int i = 0; i < load.streams(); i++) {
            SocketChannel socket =
                    SocketChannel.open(
                            new InetSocketAddress(
                                    InetAddress.getLoopbackAddress(), Integer.parseInt(port)));
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            open.add(socket);
        }
        return Sending.run(
                load.streams(),
                stream -> {
                    ByteBuffer bytes = pools.of(stream).asByteBuffer();
                    for (int i = 0; i < load.messages(); i++) {
                        bytes.clear().limit((int) load.shape().bytes());
                        while (bytes.hasRemaining()) {
                            open.get(stream).write(bytes);
                        }
                    }
                });
    }

    /** Over the first socket of the load before. */
    @Override
    public long[] roundTrips(String port, int count) throws IOException {
        SocketChannel socket = open.getFirst();
        ByteBuffer word = ByteBuffer.allocateDirect(Long.BYTES);
        long[] nanos = new long[count];
        for (int i = 0; i < count; i++) {
            long at = System.nanoTime();
            socket.write(word.clear());
            fill(socket, word.clear());
            nanos[i] = System.nanoTime() - at;
        }
        return nanos;
    }

    private void closeAll() throws IOException {
        for (SocketChannel socket : open) {
            socket.close();
        }
        open.clear();
    }

    @Override
    public void close() {
        try {
            closeAll();
            ServerSocketChannel listening = server;
            if (listening != null) {
                listening.close();
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}

package io.baton.prefiller;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A TCP proxy that cuts or silences its connections after so many bytes towards the target. */
final class CuttableProxy implements AutoCloseable {
    /** What happens after the limit. */
    enum Fault {
        CUT,
        SILENCE
    }

    private final ServerSocket server;
    private final URI target;
    private final Fault fault;
    private final AtomicLong left;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    final CountDownLatch faulted = new CountDownLatch(1);

    CuttableProxy(String targetUrl, Fault fault, long bytes) throws IOException {
        this.target = URI.create(targetUrl);
        this.fault = fault;
        this.left = new AtomicLong(bytes);
        this.server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    String url() {
        return "tcp://127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        try {
            while (!server.isClosed()) {
                Socket from = server.accept();
                Socket to = new Socket(target.getHost(), target.getPort());
                sockets.add(from);
                sockets.add(to);
                threads.execute(() -> pump(from, to, true));
                threads.execute(() -> pump(to, from, false));
            }
        } catch (IOException e) {
            // The proxy was closed.
        }
    }

    private void pump(Socket from, Socket to, boolean counted) {
        byte[] buffer = new byte[1024];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (counted && left.addAndGet(-n) < 0) {
                    faulted.countDown();
                    if (fault == Fault.CUT) {
                        from.close();
                        to.close();
                    }
                    return;
                }
                out.write(buffer, 0, n);
            }
            from.close();
            to.close();
        } catch (IOException e) {
            // One side is gone; so is this connection.
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        threads.close();
    }
}

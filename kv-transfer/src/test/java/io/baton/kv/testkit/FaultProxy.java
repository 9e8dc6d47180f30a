package io.baton.kv.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * A TCP proxy that does to the way from sender to receiver what networks do. The way back is left
 * alone, except that a stall is of both ways.
 */
public final class FaultProxy implements AutoCloseable {
    /** What happens. Byte numbers count from the start of a connection. */
    public sealed interface Fault {
        record None() implements Fault {}

        /** The connection ends before this byte: reset, or closed in order. */
        record Cut(long atByte, boolean reset) implements Fault {}

        record Flip(long atBit) implements Fault {}

        /** From this byte on nothing passes, and no socket closes: a half-open connection. */
        record Stall(long atByte) implements Fault {}

        record Throttle(int bytesPerMilli) implements Fault {}

        /** Of the data frames some come twice, late, or not at all. Out of 100 each. */
        record Frames(long seed, int duplicate, int reorder, int drop) implements Fault {}
    }

    private static final int DATA_TYPE = 6;
    private static final int HEADER_BYTES = 88;

    private final ServerSocket server;
    private final int upstreamPort;
    private final Fault fault;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final LongAdder ended = new LongAdder();
    private volatile boolean stalled;

    public FaultProxy(String upstreamUrl, Fault fault) throws IOException {
        this.upstreamPort = java.net.URI.create(upstreamUrl).getPort();
        this.fault = fault;
        this.server = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public String url() {
        return "tcp://127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket near = server.accept();
                Socket far = new Socket(InetAddress.getLoopbackAddress(), upstreamPort);
                sockets.add(near);
                sockets.add(far);
                Thread.ofVirtual().start(() -> forward(near, far));
                Thread.ofVirtual().start(() -> back(far, near));
            }
        } catch (IOException closed) {
            stop.countDown();
        }
    }

    private void back(Socket from, Socket to) {
        byte[] buffer = new byte[8192];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (stalled) {
                    await(Kv.LIMIT.toMillis());
                    return;
                }
                to.getOutputStream().write(buffer, 0, n);
            }
        } catch (IOException closed) {
            // Either side has closed, and by now so has the other.
            ended.increment();
        }
    }

    private void forward(Socket from, Socket to) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            switch (fault) {
                case Fault.None none -> forwardUntilStalled(in, out);
                case Fault.Cut cut -> {
                    copy(in, out, cut.atByte());
                    if (cut.reset()) {
                        to.setSoLinger(true, 0);
                    }
                }
                case Fault.Flip flip -> {
                    int b = copy(in, out, flip.atBit() / 8) ? in.read() : -1;
                    if (b >= 0) {
                        out.write(b ^ (1 << (int) (flip.atBit() % 8)));
                        in.transferTo(out);
                    }
                }
                case Fault.Stall stall -> {
                    copy(in, out, stall.atByte());
                    stalled = true;
                    await(Kv.LIMIT.toMillis());
                }
                case Fault.Throttle throttle -> {
                    byte[] buffer = new byte[throttle.bytesPerMilli()];
                    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                        out.write(buffer, 0, n);
                        await(1);
                    }
                }
                case Fault.Frames frames -> forwardFrames(in, out, frames);
            }
        } catch (IOException closed) {
            // As in back().
            ended.increment();
        }
    }

    /** Passes so many bytes on as they come; false if the stream ended before. */
    private static boolean copy(InputStream in, OutputStream out, long bytes) throws IOException {
        byte[] buffer = new byte[8192];
        long left = bytes;
        while (left > 0) {
            int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0) {
                return false;
            }
            out.write(buffer, 0, n);
            left -= n;
        }
        return true;
    }

    /** From now on nothing passes either way, and no socket closes. */
    public void stallNow() {
        stalled = true;
    }

    private void forwardUntilStalled(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[64 << 10];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            if (stalled) {
                await(Kv.LIMIT.toMillis());
                return;
            }
            out.write(buffer, 0, n);
        }
    }

    private static void forwardFrames(InputStream in, OutputStream out, Fault.Frames frames)
            throws IOException {
        SplittableRandom random = new SplittableRandom(frames.seed());
        List<byte[]> held = new ArrayList<>();
        while (true) {
            byte[] frame = readFrame(in);
            if (frame.length < HEADER_BYTES) {
                return;
            }
            boolean data = frame[5] == DATA_TYPE;
            if (data && random.nextInt(100) < frames.drop()) {
                continue;
            }
            if (data && random.nextInt(100) < frames.reorder()) {
                held.add(frame);
                continue;
            }
            ByteArrayOutputStream now = new ByteArrayOutputStream();
            now.writeBytes(frame);
            if (frame[5] >= DATA_TYPE && random.nextInt(100) < frames.duplicate()) {
                now.writeBytes(frame);
            }
            boolean end = frame[5] > DATA_TYPE && frame[5] < 9;
            while (!held.isEmpty() && (end || random.nextInt(3) == 0)) {
                now.writeBytes(held.remove(random.nextInt(held.size())));
            }
            out.write(now.toByteArray());
        }
    }

    private static byte[] readFrame(InputStream in) throws IOException {
        byte[] header = in.readNBytes(HEADER_BYTES);
        if (header.length < HEADER_BYTES) {
            return header;
        }
        int payload = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(8);
        byte[] frame = Arrays.copyOf(header, HEADER_BYTES + payload);
        in.readNBytes(frame, HEADER_BYTES, payload);
        return frame;
    }

    private void await(long millis) {
        try {
            stop.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        stop.countDown();
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}

package io.baton.kv.testkit;

import io.baton.common.error.BatonException;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.DefaultKvReceiver;
import io.baton.kv.transfer.DefaultKvSenders;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvSink;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferOptions;
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * GB/s of whole transfers over loopback TCP (frames, CRC32C both ways, copied into a pool), beside
 * a plain blocking socket that moves the same bytes and does nothing else, in turns.
 *
 * <p>Arguments: socket buffer bytes (0 for the system's), rounds.
 */
public final class TransferThroughput {
    /** SmolLM2-135M in bf16: 192 KiB per layer and chunk. */
    private static final KvLayout LAYOUT = new KvLayout(30, 3, 64, KvDtype.BF16, 16);

    private static final TransferSpec SPEC = new TransferSpec(LAYOUT, 256, 0, 3072);
    private static final int PART_BYTES = 16 * LAYOUT.blockLayerBytes();
    private static final int PARTS = 30 * 12;
    private static final long BYTES = (long) PARTS * PART_BYTES;

    private TransferThroughput() {}

    public static void main(String[] args) throws Exception {
        int socketBytes = args.length > 0 ? Integer.parseInt(args[0]) : 0;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 15;
        double[] ours = new double[rounds];
        double[] plain = new double[rounds];
        try (Arena arena = Arena.ofShared();
                DefaultKvReceiver receiver =
                        DefaultKvReceiver.listen(
                                "tcp://127.0.0.1:0", options("decoder", 77, socketBytes));
                DefaultKvSenders senders =
                        DefaultKvSenders.of(options("prefiller", 5, socketBytes))) {
            MemorySegment source = arena.allocate(BYTES, 64);
            MemorySegment pool = arena.allocate(BYTES, 64);
            for (int round = -5; round < rounds; round++) {
                double a = transfer(receiver, senders, source, pool, round);
                double b = plainSocket(source);
                if (round >= 0) {
                    ours[round] = a;
                    plain[round] = b;
                }
            }
        }
        Arrays.sort(ours);
        Arrays.sort(plain);
        System.out.printf(
                "%d MiB in parts of %d KiB: transfer median %.2f GB/s (%.2f to %.2f), plain socket"
                        + " %.2f (%.2f to %.2f), ratio %.2f%n",
                BYTES >> 20,
                PART_BYTES >> 10,
                ours[rounds / 2],
                ours[0],
                ours[rounds - 1],
                plain[rounds / 2],
                plain[0],
                plain[rounds - 1],
                ours[rounds / 2] / plain[rounds / 2]);
    }

    private static TransferOptions options(String worker, long incarnation, int socketBytes) {
        Hello hello = new Hello(worker, incarnation, "model", LAYOUT, 256, 1, "reference", "exact");
        TransferOptions options = TransferOptions.of(hello, ClusterToken.none(), Ticker.system());
        var bounds = options.channel().bounds();
        return options.withChannel(
                options.channel()
                        .withBounds(
                                new io.baton.kv.channel.ChannelOptions.Bounds(
                                        bounds.queueBytes(),
                                        bounds.maxChannels(),
                                        socketBytes,
                                        bounds.handshakeNanos(),
                                        bounds.writeStallNanos(),
                                        bounds.lingerNanos(),
                                        bounds.tickNanos())));
    }

    private static double transfer(
            DefaultKvReceiver receiver,
            DefaultKvSenders senders,
            MemorySegment source,
            MemorySegment pool,
            int round)
            throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        TransferId id = new TransferId(1000 + round, 1, 77);
        int blockBytes = LAYOUT.blockLayerBytes();
        KvSink sink =
                (layer, block, bytes) ->
                        MemorySegment.copy(
                                bytes,
                                0,
                                pool,
                                ((long) layer * 192 + block) * blockBytes,
                                bytes.byteSize());
        receiver.expect(id, SPEC, sink, new End(end));
        long start = System.nanoTime();
        try (var out = senders.open(receiver.url(), id, SPEC, reason -> {})) {
            for (int part = 0; part < PARTS; part++) {
                MemorySegment bytes = source.asSlice((long) part * PART_BYTES, PART_BYTES);
                while (out.offer(part % 30, part / 30 * 16, bytes) == SendResult.BACK_PRESSURED) {
                    out.awaitWritable(TimeUnit.SECONDS.toNanos(5));
                }
            }
            while (out.finish(new byte[0]) == SendResult.BACK_PRESSURED) {
                out.awaitWritable(TimeUnit.SECONDS.toNanos(5));
            }
            if (!end.await(20, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the transfer did not end");
            }
        }
        return BYTES / (double) (System.nanoTime() - start);
    }

    private record End(CountDownLatch latch) implements InboundListener {
        @Override
        public void onComplete(byte[] trailer, TransferStats stats) {
            latch.countDown();
        }

        @Override
        public void onFailed(BatonException reason) {
            throw reason;
        }
    }

    private static double plainSocket(MemorySegment source) throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress("127.0.0.1", 0));
            long[] read = new long[1];
            try (SocketChannel out = SocketChannel.open(server.getLocalAddress());
                    SocketChannel in = server.accept()) {
                Thread reader = Thread.ofPlatform().start(() -> read[0] = readAll(in));
                ByteBuffer buffer = source.asByteBuffer();
                long start = System.nanoTime();
                for (int part = 0; part < PARTS; part++) {
                    buffer.limit((part + 1) * PART_BYTES).position(part * PART_BYTES);
                    while (buffer.hasRemaining()) {
                        out.write(buffer);
                    }
                }
                out.shutdownOutput();
                reader.join();
                if (read[0] != BYTES) {
                    throw new IllegalStateException("read " + read[0]);
                }
                return BYTES / (double) (System.nanoTime() - start);
            }
        }
    }

    private static long readAll(SocketChannel in) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        long total = 0;
        try {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer.clear())) {
                total += n;
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return total;
    }
}

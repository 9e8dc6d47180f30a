package io.baton.bench.transfer.child;

import io.baton.common.config.KvSettings;
import io.baton.common.error.BatonException;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.DefaultKvReceiver;
import io.baton.kv.transfer.DefaultKvSenders;
import io.baton.kv.transfer.InboundListener;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import io.baton.kv.transfer.KvSink;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferOptions;
import io.baton.kv.transfer.TransferStats;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Whole transfers over one of our channels, as the roles make them: framed, checked, placed. */
final class ChannelWire implements Wire {
    private static final long INCARNATION = 77;
    private static final long LIMIT_SECONDS = 60;

    private final String url;
    private final Pools pools;
    private final Map<Load.Shape, DefaultKvReceiver> receivers = new EnumMap<>(Load.Shape.class);
    private final Map<Load.Shape, DefaultKvSenders> senders = new EnumMap<>(Load.Shape.class);
    private final RoundTrip roundTrip;
    private volatile @Nullable Waiting waiting;

    ChannelWire(String url, Pools pools) {
        this.url = url;
        this.pools = pools;
        this.roundTrip = new RoundTrip(url);
    }

    static Hello hello(Load.Shape shape) {
        return new Hello(
                "bench",
                INCARNATION,
                "bench",
                shape.layout,
                Load.Shape.CHUNK_TOKENS,
                1,
                "bench",
                "exact");
    }

    private static TransferOptions options(Load.Shape shape) {
        return TransferOptions.of(hello(shape), ClusterToken.none(), Ticker.system())
                .withConnections(KvSettings.TRANSFER_CONNECTIONS.defaultValue());
    }

    /** Addresses of all shapes and of round trips, by commas. */
    @Override
    public String listen() {
        StringBuilder urls = new StringBuilder();
        for (Load.Shape shape : Load.Shape.values()) {
            DefaultKvReceiver receiver = DefaultKvReceiver.listen(url, options(shape));
            receivers.put(shape, receiver);
            urls.append(receiver.url()).append(',');
        }
        return urls.append(roundTrip.listen()).toString();
    }

    /** What the receiving process waits for. */
    private record Waiting(
            CountDownLatch left, AtomicReference<@Nullable BatonException> failure) {}

    @Override
    public void expect(Load load) {
        DefaultKvReceiver receiver = receivers.get(load.shape());
        if (receiver == null) {
            throw new IllegalStateException("this process does not listen");
        }
        Waiting now = new Waiting(new CountDownLatch(load.transfers()), new AtomicReference<>());
        waiting = now;
        for (int stream = 0; stream < load.streams(); stream++) {
            MemorySegment pool = pools.of(stream);
            for (int message = 0; message < load.messages(); message++) {
                receiver.expect(
                        new TransferId(load.transfer(stream, message), 1, INCARNATION),
                        load.shape().spec,
                        new Pooled(load.shape(), pool),
                        new Ending(now));
            }
        }
    }

    /** Goes to the pool as it does in a decoder. */
    private record Pooled(Load.Shape shape, MemorySegment pool) implements KvSink {
        @Override
        public void accept(int layer, int firstBlock, MemorySegment bytes) {
            MemorySegment.copy(bytes, 0, pool, place(shape, layer, firstBlock), bytes.byteSize());
        }

        @Override
        public List<MemorySegment> room(int layer, int firstBlock, int blocks) {
            long blockBytes = shape.layout.blockLayerBytes();
            long at = place(shape, layer, firstBlock);
            return IntStream.range(0, blocks)
                    .mapToObj(block -> pool.asSlice(at + block * blockBytes, blockBytes))
                    .toList();
        }
    }

    /** Layer after layer of a chunk, chunk after chunk. */
    private static long place(Load.Shape shape, int layer, int block) {
        int chunkBlocks = Load.Shape.CHUNK_TOKENS / shape.layout.blockTokens();
        long chunk = block / chunkBlocks;
        return (chunk * shape.layout.layers() + layer) * shape.partBytes()
                + (long) (block % chunkBlocks) * shape.layout.blockLayerBytes();
    }

    private record Ending(Waiting waiting) implements InboundListener {
        @Override
        public void onComplete(byte[] trailer, TransferStats stats) {
            waiting.left().countDown();
        }

        @Override
        public void onFailed(BatonException reason) {
            waiting.failure().set(reason);
            while (waiting.left().getCount() > 0) {
                waiting.left().countDown();
            }
        }
    }

    @Override
    public long awaitEnd() throws InterruptedException {
        Waiting now = waiting;
        if (now == null || !now.left().await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the transfers did not end in a minute");
        }
        long end = System.nanoTime();
        BatonException failure = now.failure().get();
        if (failure != null) {
            throw failure;
        }
        return end;
    }

    @Override
    public long send(String urls, Load load) throws InterruptedException {
        String to = urls.split(",")[load.shape().ordinal()];
        DefaultKvSenders from =
                senders.computeIfAbsent(load.shape(), s -> DefaultKvSenders.of(options(s)));
        return Sending.run(
                load.streams(),
                stream -> {
                    for (int message = 0; message < load.messages(); message++) {
                        TransferId id =
                                new TransferId(load.transfer(stream, message), 1, INCARNATION);
                        try (OutboundTransfer out =
                                from.open(to, id, load.shape().spec, reason -> {})) {
                            send(out, load.shape(), pools.of(stream));
                        }
                    }
                });
    }

    private static void send(OutboundTransfer out, Load.Shape shape, MemorySegment pool)
            throws InterruptedException {
        int chunkBlocks = Load.Shape.CHUNK_TOKENS / shape.layout.blockTokens();
        for (int part = 0; part < shape.parts(); part++) {
            MemorySegment bytes = pool.asSlice((long) part * shape.partBytes(), shape.partBytes());
            int layer = part % shape.layout.layers();
            int block = part / shape.layout.layers() * chunkBlocks;
            retry(out, () -> out.offer(layer, block, bytes));
        }
        retry(out, () -> out.finish(new byte[0]));
    }

    private static void retry(OutboundTransfer out, java.util.function.Supplier<SendResult> offer)
            throws InterruptedException {
        SendResult result = offer.get();
        while (result == SendResult.BACK_PRESSURED) {
            out.awaitWritable(TimeUnit.SECONDS.toNanos(LIMIT_SECONDS));
            result = offer.get();
        }
        if (result == SendResult.CLOSED) {
            throw new IllegalStateException("the receiver closed the transfer");
        }
    }

    @Override
    public long[] roundTrips(String urls, int count) throws InterruptedException {
        String[] all = urls.split(",");
        return roundTrip.ask(all[all.length - 1], count);
    }

    @Override
    public void close() {
        senders.values().forEach(DefaultKvSenders::close);
        receivers.values().forEach(DefaultKvReceiver::close);
        roundTrip.close();
    }
}

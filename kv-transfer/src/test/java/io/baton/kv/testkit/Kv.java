package io.baton.kv.testkit;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferOptions;
import io.baton.kv.transfer.TransferSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.IntSupplier;

/** Small shapes, and KV whose every byte follows from where it belongs. */
public final class Kv {
    /** 1 KiB per block and layer. */
    public static final KvLayout SMALL = new KvLayout(3, 2, 8, KvDtype.BF16, 16);

    /** 128 KiB per block and layer; a chunk of a layer is 2 MiB. */
    public static final KvLayout LARGE = new KvLayout(2, 8, 128, KvDtype.F32, 16);

    /** The receiver's incarnation in all tests. */
    public static final long INCARNATION = 77;

    /** What every wait in tests is bounded by. */
    public static final Duration LIMIT = Duration.ofSeconds(20);

    /** Deadlines that a slow machine keeps. */
    public static final TransferOptions.Times PATIENT =
            new TransferOptions.Times(
                    TransferOptions.Times.DEFAULT.keepAliveNanos(),
                    LIMIT.toNanos(),
                    LIMIT.toNanos(),
                    TransferOptions.Times.DEFAULT.idleNanos());

    private Kv() {}

    public static Hello hello(String worker, long incarnation, KvLayout layout) {
        return new Hello(
                worker,
                incarnation,
                "model-1",
                layout,
                layout == LARGE ? 256 : 64,
                1,
                "reference",
                "exact");
    }

    /**
     * Waits until nothing is counted any more: another thread may have removed the last one, and
     * count it a moment later.
     */
    public static void awaitNone(IntSupplier live) {
        long limit = System.nanoTime() + LIMIT.toNanos();
        while (live.getAsInt() != 0) {
            if (System.nanoTime() > limit) {
                throw new AssertionError(live.getAsInt() + " are left");
            }
            Thread.onSpinWait();
        }
    }

    public static TransferOptions receiving(KvLayout layout) {
        return patient(hello("decoder", INCARNATION, layout));
    }

    public static TransferOptions sending(KvLayout layout) {
        return patient(hello("prefiller", 5, layout));
    }

    private static TransferOptions patient(Hello hello) {
        TransferOptions usual = TransferOptions.of(hello, ClusterToken.none(), Ticker.system());
        ChannelOptions.Bounds bounds = usual.channel().bounds();
        return usual.withTimes(PATIENT)
                .withChannel(
                        usual.channel()
                                .withBounds(
                                        new ChannelOptions.Bounds(
                                                bounds.queueBytes(),
                                                bounds.maxChannels(),
                                                bounds.socketBufferBytes(),
                                                LIMIT.toNanos(),
                                                LIMIT.toNanos(),
                                                bounds.lingerNanos(),
                                                bounds.tickNanos())));
    }

    public static TransferSpec spec(KvLayout layout, int fromToken, int toToken) {
        return new TransferSpec(layout, layout == LARGE ? 256 : 64, fromToken, toToken);
    }

    public static TransferId id(long transfer, int epoch) {
        return new TransferId(transfer, epoch, INCARNATION);
    }

    /** The KV of consecutive blocks of one layer. */
    public static MemorySegment bytes(
            TransferSpec spec, long seed, int layer, int firstBlock, int blocks) {
        int size = spec.layout().blockLayerBytes();
        MemorySegment all = Arena.ofAuto().allocate((long) size * blocks, 8);
        for (int i = 0; i < blocks; i++) {
            byte[] block = new byte[size];
            new SplittableRandom(seed * 1_000_003 + layer * 65_537L + firstBlock + i)
                    .nextBytes(block);
            MemorySegment.copy(MemorySegment.ofArray(block), 0, all, (long) i * size, size);
        }
        return all;
    }

    /** Sends everything chunk by chunk and layer by layer, then the end; waits where told to. */
    public static SendResult sendAll(
            OutboundTransfer out, TransferSpec spec, long seed, byte[] trailer)
            throws InterruptedException {
        int blockTokens = spec.layout().blockTokens();
        int chunkBlocks = spec.chunkTokens() / blockTokens;
        int end = spec.layout().blocksFor(spec.toToken());
        for (int block = spec.fromToken() / blockTokens; block < end; ) {
            int count = Math.min(chunkBlocks - block % chunkBlocks, end - block);
            for (int layer = 0; layer < spec.layout().layers(); layer++) {
                MemorySegment part = bytes(spec, seed, layer, block, count);
                SendResult result = out.offer(layer, block, part);
                while (result == SendResult.BACK_PRESSURED) {
                    out.awaitWritable(LIMIT.toNanos());
                    result = out.offer(layer, block, part);
                }
                if (result == SendResult.CLOSED) {
                    return result;
                }
            }
            block += count;
        }
        SendResult result = out.finish(trailer);
        while (result == SendResult.BACK_PRESSURED) {
            out.awaitWritable(LIMIT.toNanos());
            result = out.finish(trailer);
        }
        return result;
    }
}

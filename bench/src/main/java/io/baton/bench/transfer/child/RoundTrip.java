package io.baton.bench.transfer.child;

import io.baton.common.error.BatonException;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameError;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameType;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Questions of 8 bytes over a bare channel: an END frame there, a CLOSED frame back, each answered
 * where it is heard, on the channel's own thread.
 */
final class RoundTrip implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final URI url;
    private KvChannelProvider.@Nullable Listener listener;

    RoundTrip(String url) {
        this.url = URI.create(url);
    }

    private static ChannelOptions options() {
        return ChannelOptions.of(
                ChannelWire.hello(Load.Shape.CHUNK), ClusterToken.none(), Ticker.system());
    }

    String listen() {
        KvChannelProvider.Listener now =
                KvChannelProvider.of(url)
                        .listen(
                                url,
                                options(),
                                new Handler() {
                                    private final FrameBatch answer = new FrameBatch(1);

                                    @Override
                                    public void onFrame(
                                            KvChannel channel,
                                            FrameHeader header,
                                            MemorySegment payload) {
                                        say(channel, FrameType.CLOSED, answer);
                                    }
                                });
        listener = now;
        return now.url().toString();
    }

    private static void say(KvChannel channel, FrameType type, FrameBatch batch) {
        batch.clear();
        batch.begin(type).identity(1, 1, 1);
        batch.end(ByteBuffer.allocate(Long.BYTES));
        channel.offerControl(batch);
    }

    long[] ask(String to, int count) throws InterruptedException {
        long[] nanos = new long[count];
        CountDownLatch end = new CountDownLatch(1);
        Handler asking =
                new Handler() {
                    private final FrameBatch question = new FrameBatch(1);
                    private int asked;
                    private long at;

                    @Override
                    public void onOpen(KvChannel channel) {
                        ask(channel);
                    }

                    private void ask(KvChannel channel) {
                        at = System.nanoTime();
                        say(channel, FrameType.END, question);
                    }

                    @Override
                    public void onFrame(
                            KvChannel channel, FrameHeader header, MemorySegment payload) {
                        nanos[asked++] = System.nanoTime() - at;
                        if (asked < count) {
                            ask(channel);
                        } else {
                            end.countDown();
                        }
                    }
                };
        URI target = URI.create(to);
        try (var connector = KvChannelProvider.of(target).connector(options(), asking)) {
            connector.connect(target);
            if (!end.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no answer in a minute");
            }
        }
        return nanos;
    }

    @Override
    public void close() {
        KvChannelProvider.Listener open = listener;
        if (open != null) {
            open.close();
        }
    }

    /** A handler that does nothing but what its subclass says. */
    private abstract static class Handler implements ChannelHandler {
        private static final System.Logger LOG = System.getLogger(Handler.class.getName());

        @Override
        public void onOpen(KvChannel channel) {
            LOG.log(System.Logger.Level.DEBUG, "open");
        }

        @Override
        public void onInvalid(FrameError error) {
            LOG.log(System.Logger.Level.ERROR, "an invalid frame: {0}", error);
        }

        @Override
        public void onClosed(KvChannel channel, BatonException reason) {
            LOG.log(System.Logger.Level.DEBUG, "closed");
        }

        @Override
        public void onTick(long nowNanos) {
            LOG.log(System.Logger.Level.TRACE, "tick");
        }
    }
}

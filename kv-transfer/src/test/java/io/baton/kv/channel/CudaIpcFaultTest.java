package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.cuda.CudaDriver;
import io.baton.kv.channel.cuda.CudaIpcChannelProvider;
import io.baton.kv.channel.fetch.FetchMessage;
import io.baton.kv.testkit.FakeCuda;
import io.baton.kv.testkit.Kv;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What CUDA IPC has that other channels have not: handles, devices, events, dead exporters. */
final class CudaIpcFaultTest {
    private static final BatonException KILLED = new BatonException(ErrorCode.INTERNAL, "killed");
    private static final int FRAMES = 40;
    private static final int FRAME_BYTES = 60_000;

    @TempDir private Path folder;
    private int sockets;

    private URI url() {
        return URI.create("cuda-ipc://" + folder.resolve("s" + sockets++));
    }

    private static ChannelOptions options(String worker) {
        return ChannelOptions.of(
                Kv.hello(worker, 77, Kv.SMALL), ClusterToken.none(), Ticker.system());
    }

    private static void send(KvChannel channel) throws InterruptedException {
        for (int i = 0; i < FRAMES; i++) {
            byte[] payload = new byte[FRAME_BYTES];
            Arrays.fill(payload, (byte) i);
            var frame = Frames.end(payload);
            SendResult result = channel.offer(frame);
            while (result == SendResult.BACK_PRESSURED) {
                channel.await(frame.bytes(), Kv.LIMIT.toNanos());
                result = channel.offer(frame);
            }
            if (result == SendResult.CLOSED) {
                return;
            }
        }
    }

    private static void receive(Frames frames) throws InterruptedException {
        for (int i = 0; i < FRAMES; i++) {
            requireFrame(i, frames.payloads.poll(20, TimeUnit.SECONDS));
        }
    }

    private static void requireFrame(int number, byte[] payload) {
        assertNotNull(payload, "frame " + number);
        assertEquals(FRAME_BYTES, payload.length);
        for (byte b : payload) {
            assertEquals((byte) number, b);
        }
    }

    private static void requireNothingLeft(FakeCuda machine) {
        assertEquals(Map.of(), machine.live());
        assertEquals(List.of(), machine.violations());
    }

    /** Whichever call fails: an error, or the channel is lost; no wrong byte, nothing left. */
    @Test
    void aCallThatFailsCostsItsChannelAtMost() throws Exception {
        for (FakeCuda.Call call : FakeCuda.Call.values()) {
            for (int skip : new int[] {0, 1, 5}) {
                FakeCuda machine = new FakeCuda(1, false);
                machine.fail(call, skip);
                tryAll(machine);
                assertTrue(machine.calls(call) > 0, "reached: " + call);
                requireNothingLeft(machine);
            }
        }
    }

    private void tryAll(FakeCuda machine) throws Exception {
        Frames receiving = new Frames();
        Frames sending = new Frames();
        try (var listener =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .listen(url(), options("decoder"), receiving);
                var connector =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .connector(options("prefiller"), sending)) {
            KvChannel channel = connector.connect(listener.url());
            send(channel);
            channel.close(KILLED);
            assertNotNull(sending.closed.poll(20, TimeUnit.SECONDS));
            assertNotNull(receiving.closed.poll(20, TimeUnit.SECONDS));
            int number = 0;
            for (byte[] payload : receiving.payloads) {
                requireFrame(number++, payload);
            }
        } catch (BatonException e) {
            assertTrue(
                    e.code() == ErrorCode.CONFIGURATION || e.code() == ErrorCode.KV_TRANSFER_FAILED,
                    e.text());
        }
    }

    @Test
    void afterAFailureTheNextChannelWorks() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        Frames receiving = new Frames();
        Frames sending = new Frames();
        try (var listener =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .listen(url(), options("decoder"), receiving);
                var connector =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .connector(options("prefiller"), sending)) {
            machine.fail(FakeCuda.Call.OPEN_MEMORY, 0);
            BatonException refused =
                    assertThrows(BatonException.class, () -> connector.connect(listener.url()));
            assertTrue(refused.text().contains("OPEN_MEMORY"), refused.text());
            send(connector.connect(listener.url()));
            receive(receiving);
        }
        requireNothingLeft(machine);
    }

    /** What the exporter has not copied is lost with it, and is not taken for KV. */
    @Test
    void anExporterThatDiesIsNoticedAndNotBelieved() throws Exception {
        for (int round = 0; round < 20; round++) {
            FakeCuda machine = new FakeCuda(1, false);
            FakeCuda.Process exporter = machine.process();
            Frames receiving = new Frames();
            try (var listener =
                            new CudaIpcChannelProvider(machine.process(), 0)
                                    .listen(url(), options("decoder"), receiving);
                    var connector =
                            new CudaIpcChannelProvider(exporter, 0)
                                    .connector(options("prefiller"), new Frames())) {
                FramedChannel channel = (FramedChannel) connector.connect(listener.url());
                for (int i = 0; i < round; i++) {
                    byte[] payload = new byte[FRAME_BYTES];
                    Arrays.fill(payload, (byte) i);
                    channel.offer(Frames.end(payload));
                }
                machine.kill(exporter);
                channel.abort(KILLED);
                BatonException reason = receiving.closed.poll(20, TimeUnit.SECONDS);
                assertNotNull(reason, "the death was not noticed");
                assertEquals(ErrorCode.KV_TRANSFER_FAILED, reason.code());
                int number = 0;
                for (byte[] payload : receiving.payloads) {
                    requireFrame(number++, payload);
                }
            }
            requireNothingLeft(machine);
        }
    }

    @Test
    void anImporterThatDiesIsNoticedAndLetsGo() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        FakeCuda.Process importer = machine.process();
        Frames receiving = new Frames();
        Frames sending = new Frames();
        try (var listener =
                        new CudaIpcChannelProvider(importer, 0)
                                .listen(url(), options("decoder"), receiving);
                var connector =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .connector(options("prefiller"), sending)) {
            KvChannel channel = connector.connect(listener.url());
            machine.kill(importer);
            ((FramedChannel) receiving.opened.poll(20, TimeUnit.SECONDS)).abort(KILLED);
            assertNotNull(sending.closed.poll(20, TimeUnit.SECONDS));
            assertEquals(SendResult.CLOSED, channel.offer(Frames.end(new byte[1])));
            Kv.awaitNone(() -> machine.live().getOrDefault("allocation", 0));
        }
        requireNothingLeft(machine);
    }

    @Test
    void twoDevicesMustReadEachOther() throws Exception {
        FakeCuda linked = new FakeCuda(2, true);
        Frames receiving = new Frames();
        try (var listener =
                        new CudaIpcChannelProvider(linked.process(), 1)
                                .listen(url(), options("decoder"), receiving);
                var connector =
                        new CudaIpcChannelProvider(linked.process(), 0)
                                .connector(options("prefiller"), new Frames())) {
            send(connector.connect(listener.url()));
            receive(receiving);
        }
        requireNothingLeft(linked);
        FakeCuda apart = new FakeCuda(2, false);
        refuses(apart, apart.process(), 1, apart.process(), "cannot read the memory");
        refuses(apart, apart.processWith(1), 0, apart.process(), "CUDA_VISIBLE_DEVICES");
    }

    @Test
    void oneProcessIsToldToUseLoopback() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        FakeCuda.Process both = machine.process();
        refuses(machine, both, 0, both, "use loopback");
    }

    private void refuses(
            FakeCuda machine, CudaDriver receiver, int device, CudaDriver sender, String why) {
        try (var listener =
                        new CudaIpcChannelProvider(receiver, device)
                                .listen(url(), options("decoder"), new Frames());
                var connector =
                        new CudaIpcChannelProvider(sender, 0)
                                .connector(options("prefiller"), new Frames())) {
            BatonException refusal =
                    assertThrows(BatonException.class, () -> connector.connect(listener.url()));
            assertEquals(ErrorCode.KV_TRANSFER_FAILED, refusal.code());
            assertTrue(refusal.text().contains(why), refusal.text());
        }
        requireNothingLeft(machine);
    }

    @Test
    void aDeviceThatIsNotThereIsNamed() {
        BatonException refusal =
                assertThrows(
                        BatonException.class,
                        () ->
                                new CudaIpcChannelProvider(new FakeCuda(1, false).process(), 3)
                                        .connector(options("prefiller"), new Frames()));
        assertEquals(ErrorCode.CONFIGURATION, refusal.code());
        assertTrue(refusal.text().contains("no device 3"), refusal.text());
    }

    /** A ring stays as long as the peer may have it mapped, and goes when the peer does. */
    @Test
    void aRingIsKeptUntilThePeerLetsGo() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        Path path = folder.resolve("slow");
        try (ServerSocketChannel slow = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                var connector =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .connector(
                                        options("prefiller").withBounds(shortHandshake()),
                                        new Frames())) {
            slow.bind(UnixDomainSocketAddress.of(path));
            URI url = URI.create("cuda-ipc://" + path);
            CompletableFuture<Throwable> failed = new CompletableFuture<>();
            Thread.ofVirtual()
                    .start(
                            () ->
                                    failed.complete(
                                            assertThrows(
                                                    BatonException.class,
                                                    () -> connector.connect(url))));
            try (SocketChannel peer = slow.accept()) {
                failed.get(20, TimeUnit.SECONDS);
                ByteBuffer sink = ByteBuffer.allocate(4096);
                while (peer.read(sink.clear()) >= 0) {
                    // To the end of what the sender said.
                }
                assertEquals(1, machine.live().get("allocation"));
            } catch (ExecutionException e) {
                throw new AssertionError(e);
            }
            Kv.awaitNone(() -> machine.live().getOrDefault("allocation", 0));
        }
        requireNothingLeft(machine);
    }

    private static ChannelOptions.Bounds shortHandshake() {
        var usual = ChannelOptions.Bounds.DEFAULT;
        return new ChannelOptions.Bounds(
                usual.queueBytes(),
                usual.maxChannels(),
                0,
                200_000_000,
                usual.writeStallNanos(),
                usual.lingerNanos(),
                usual.tickNanos());
    }

    private static ByteBuffer message(FetchMessage kind, long first, long second, int dataBytes) {
        ByteBuffer all =
                ByteBuffer.allocate(FetchMessage.HEADER_BYTES + dataBytes)
                        .order(ByteOrder.LITTLE_ENDIAN);
        kind.write(
                MemorySegment.ofArray(all.array()).asSlice(0, FetchMessage.HEADER_BYTES),
                first,
                second);
        return all;
    }

    /** A ring of the made-up machine as its own process would offer it. */
    private static ByteBuffer ring(CudaDriver.Context context, long offset, long bytes)
            throws Exception {
        CudaDriver.Export export = context.allocate(4 << 20).export();
        ByteBuffer ring = message(FetchMessage.RING, export.offset() + offset, bytes, 152);
        ring.putLong(24, 999).putLong(32, Long.reverseBytes(0x6261746f6eL)).putLong(40, 0);
        ring.put(48, export.handle());
        ring.put(112, context.createEvent().export());
        return ring;
    }

    @Test
    void strangersAreCutOff() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        FakeCuda.Process stranger = machine.process();
        try (var context = stranger.open(0);
                var listener =
                        new CudaIpcChannelProvider(machine.process(), 0)
                                .listen(url(), options("decoder"), new Frames())) {
            long ringBytes = 4 << 20;
            ByteBuffer good = ring(context, 0, ringBytes);
            ByteBuffer garbled = ring(context, 0, ringBytes).put(48, (byte) 99).put(49, (byte) 99);
            for (ByteBuffer[] words :
                    new ByteBuffer[][] {
                        {ByteBuffer.allocate(24)},
                        {ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n......".getBytes())},
                        {message(FetchMessage.BYTES, 0, 5000, 0)},
                        {message(FetchMessage.BYTES, 0, -1, 0)},
                        {message(FetchMessage.BYTES, 7, 10, 10)},
                        {message(FetchMessage.PUBLISHED, 0, 1 << 20, 0)},
                        {message(FetchMessage.RELEASED, 1, 0, 0)},
                        {message(FetchMessage.RELEASED, -1, 0, 0)},
                        {message(FetchMessage.REFUSED, 0, 1 << 30, 0)},
                        {message(FetchMessage.END, 0, 0, 0)},
                        {garbled},
                        {ring(context, 0, ringBytes + 1)},
                        {ring(context, Long.MAX_VALUE >> 1, ringBytes)},
                        {ring(context, 0, 0)},
                        {ring(context, -(1 << 20), ringBytes)},
                        {good, good},
                        {good, message(FetchMessage.PUBLISHED, 0, ringBytes + 1, 0)},
                        {good, message(FetchMessage.PUBLISHED, 0, Long.MAX_VALUE, 0)},
                        {good, message(FetchMessage.PUBLISHED, 0, ringBytes, 0)},
                    }) {
                assertCutOff(listener.url(), words);
            }
            for (int end = 1; end < good.capacity(); end += 7) {
                try (SocketChannel half =
                        SocketChannel.open(UnixDomainSocketAddress.of(listener.url().getPath()))) {
                    half.write(good.duplicate().clear().limit(end));
                }
            }
            machine.kill(stranger);
        } catch (io.baton.kv.channel.cuda.CudaFailure dead) {
            assertTrue(String.valueOf(dead).contains("DEINITIALIZED"), String.valueOf(dead));
        }
        requireNothingLeft(machine);
    }

    private static void assertCutOff(URI url, ByteBuffer[] words) throws Exception {
        try (SocketChannel stranger =
                SocketChannel.open(UnixDomainSocketAddress.of(url.getPath()))) {
            for (ByteBuffer each : words) {
                stranger.write(each.duplicate().clear());
            }
            ByteBuffer heard = ByteBuffer.allocate(4096);
            while (stranger.read(heard.clear()) >= 0) {
                // A refusal, or what was released.
            }
        } catch (java.io.IOException broken) {
            String how = String.valueOf(broken);
            assertTrue(how.contains("Broken pipe") || how.contains("reset"), how);
        }
    }

    /** The made-up machine is late: who does not wait for an event reads what was there before. */
    @Test
    void withoutItsEventARingIsNotFilledYet() throws Exception {
        FakeCuda machine = new FakeCuda(1, false);
        try (var theirs = machine.process().open(0);
                var ours = machine.process().open(0);
                var from = theirs.allocateHost(4096);
                var to = ours.allocateHost(4096);
                var ring = theirs.allocate(4096);
                var event = theirs.createEvent();
                var mapped = ours.open(ring.export().handle());
                var opened = ours.openEvent(event.export())) {
            long offset = ring.export().offset();
            from.segment().fill((byte) 5);
            ring.copyFromHost(0, from.segment());
            event.record();
            mapped.copyToHost(offset, to.segment());
            ours.synchronize();
            assertEquals(0, to.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 4095));
            opened.makeStreamWait();
            mapped.copyToHost(offset, to.segment());
            ours.synchronize();
            assertEquals(5, to.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 4095));
        }
        requireNothingLeft(machine);
    }
}

package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvCoding;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Ticket;
import io.baton.common.testkit.AsciiTokenizer;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.Mailbox;
import io.baton.common.worker.Outlet;
import io.baton.common.worker.ProtoKv;
import io.baton.common.worker.ProtoSampling;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.engine.EngineLoop;
import io.baton.engine.ModelConfig;
import io.baton.engine.Reservation;
import io.baton.engine.SequenceListener;
import io.baton.engine.SequenceSpec;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.Carrier;
import io.baton.kv.transfer.ChannelOffer;
import io.baton.kv.transfer.KvSenders;
import io.baton.kv.transfer.TransferId;
import io.baton.kv.transfer.TransferSpec;
import io.baton.kv.transfer.TransferStats;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** An attempt between a fake engine and a fake channel; the pusher's thread is real. */
final class PrefillerRig implements Outlet<PrefillEvent>, AutoCloseable {
    static final KvLayout LAYOUT = new KvLayout(2, 1, 8, KvDtype.BF16, 16);
    static final int CHUNK = 32;
    static final String PROMPT = "x".repeat(50);

    final FakeEngine engine = new FakeEngine();
    final FakeSenders senders = new FakeSenders();
    final VirtualTime time = new VirtualTime();
    final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    final BlockingQueue<PrefillEvent> events = new LinkedBlockingQueue<>();
    final CountDownLatch completed = new CountDownLatch(1);
    final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    final Mailbox mailbox;
    final PrefillPorts ports;
    volatile @Nullable RuntimeException broken;

    PrefillerRig() {
        mailbox = new Mailbox(threads, 64, e -> broken = e);
        WorkerOptions options =
                new WorkerOptions(
                        "prefiller-1",
                        WorkerOptions.Listen.loopback(),
                        new WorkerOptions.Membership(List.of(), ClusterToken.none()),
                        new WorkerOptions.Serving(
                                "m",
                                List.of(),
                                256,
                                CHUNK,
                                "exact",
                                WorkerOptions.Coding.of(KvCoding.RAW)),
                        WorkerOptions.Limits.usual());
        ports =
                new PrefillPorts(
                        new PrefillPorts.Machines(
                                engine,
                                senders,
                                new SendBuffers(2L * LAYOUT.blockLayerBytes()),
                                new AsciiTokenizer()),
                        options,
                        hello(),
                        new PrefillPorts.Surroundings(
                                time,
                                time,
                                new WorkerMeters(registry, "prefiller", "prefiller-1"),
                                new DecayedRatio(0.9)));
    }

    static Hello hello() {
        return new Hello("prefiller-1", 7, "f", LAYOUT, CHUNK, 1, "fake:0:1", "exact");
    }

    static GenerationRequest.Limits limits() {
        return new GenerationRequest.Limits(
                "f", AsciiTokenizer.VOCAB, 256, TimeUnit.HOURS.toNanos(1));
    }

    static GenerationSpec.Builder spec() {
        GenerationSpec.Builder spec =
                GenerationSpec.newBuilder()
                        .setRequestId("req-1")
                        .setEpoch(1)
                        .setModelFingerprint("f")
                        .setDeadlineMillis(60_000)
                        .setSampling(ProtoSampling.toProto(SamplingParams.greedy(8)));
        for (int token : AsciiTokenizer.ids(PROMPT)) {
            spec.addPrompt(token);
        }
        return spec;
    }

    static KeyChain keys() {
        return KeyChain.of(new KeyChain.Root("f", LAYOUT, "exact", "fake:0:1", new byte[0]));
    }

    static Ticket.Builder ticket() {
        return Ticket.newBuilder()
                .setChannel("tcp://127.0.0.1:7001")
                .setTransferId(99)
                .setEpoch(1)
                .setDecoderIncarnation(42)
                .setDecoderId("decoder-1")
                .setModelFingerprint("f")
                .setKv(ProtoKv.toProto(LAYOUT, CHUNK, "fake:0:1", "exact", List.of("raw")));
    }

    PrefillAttempt start(int heldThere) {
        PrefillAttempt attempt =
                new PrefillAttempt(
                        ports,
                        GenerationRequest.fromProto(spec().build(), limits()),
                        keys(),
                        task -> {
                            if (!mailbox.post(task)) {
                                throw new IllegalStateException("full");
                            }
                        },
                        this);
        CheckedTicket ticket =
                new CheckedTicket(
                        List.of(ChannelOffer.anywhere("tcp://127.0.0.1:7001")),
                        new TransferId(99, 1, 42),
                        new TransferSpec(LAYOUT, CHUNK, heldThere, PROMPT.length()),
                        new CheckedTicket.Speeds(0, 0));
        mailbox.post(() -> attempt.start(ticket));
        return attempt;
    }

    /** Runs in the mailbox and waits. */
    void inMailbox(Runnable task) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        mailbox.post(
                () -> {
                    task.run();
                    done.countDown();
                });
        await(done);
    }

    static void await(CountDownLatch latch) throws InterruptedException {
        if (!latch.await(20, TimeUnit.SECONDS)) {
            throw new AssertionError("nothing happened within 20 s");
        }
    }

    PrefillEvent event() throws InterruptedException {
        PrefillEvent event = events.poll(20, TimeUnit.SECONDS);
        if (event == null) {
            throw new AssertionError("no event within 20 s", broken);
        }
        return event;
    }

    @Override
    public void send(PrefillEvent event) {
        events.add(event);
    }

    @Override
    public void complete() {
        completed.countDown();
    }

    @Override
    public void close() {
        threads.close();
        ports.machines().buffers().close();
    }

    /** An engine that the test plays. */
    static final class FakeEngine implements EngineLoop {
        final AtomicInteger openPlaces = new AtomicInteger();
        final CountDownLatch queued = new CountDownLatch(1);
        final Semaphore closes = new Semaphore(0);
        volatile int heldTokens;
        volatile boolean cancelled;
        volatile @Nullable RuntimeException refusal;
        volatile @Nullable SequenceListener listener;

        SequenceListener hears() throws InterruptedException {
            await(queued);
            SequenceListener hears = listener;
            if (hears == null) {
                throw new AssertionError("nothing is queued");
            }
            return hears;
        }

        private static void await(CountDownLatch latch) throws InterruptedException {
            PrefillerRig.await(latch);
        }

        private final class Place implements Reservation {
            private final SequenceSpec spec;
            private boolean closed;

            Place(SequenceSpec spec) {
                this.spec = spec;
                openPlaces.incrementAndGet();
            }

            @Override
            public SequenceSpec spec() {
                return spec;
            }

            @Override
            public KvLayout layout() {
                return LAYOUT;
            }

            @Override
            public int heldTokens() {
                return heldTokens;
            }

            /** Every byte of a block is (layer, block) in one number. */
            @Override
            public void read(int layer, int firstBlock, MemorySegment target) {
                int size = LAYOUT.blockLayerBytes();
                for (int i = 0; i * size < target.byteSize(); i++) {
                    target.asSlice((long) i * size, size)
                            .fill((byte) (layer * 16 + firstBlock + i));
                }
            }

            @Override
            public void write(int layer, int firstBlock, MemorySegment source) {
                throw new IllegalStateException("a prefiller writes nothing here");
            }

            @Override
            public void keepWritten(int tokens) {
                throw new IllegalStateException("a prefiller computes what it does not hold");
            }

            @Override
            public synchronized void close() {
                if (!closed) {
                    closed = true;
                    openPlaces.decrementAndGet();
                    closes.release();
                }
            }
        }

        @Override
        public ModelConfig config() {
            throw new IllegalStateException("not asked for by attempts");
        }

        @Override
        public Reservation reserve(SequenceSpec spec) {
            RuntimeException no = refusal;
            if (no != null) {
                throw no;
            }
            return new Place(spec);
        }

        @Override
        public void prefill(Reservation place, SequenceListener hears, boolean thenDecode) {
            if (thenDecode) {
                throw new AssertionError("a prefiller does not decode");
            }
            listener = hears;
            queued.countDown();
        }

        @Override
        public void decode(Reservation place, TokenOutput next, SequenceListener hears) {
            throw new AssertionError("a prefiller does not decode");
        }

        @Override
        public void resume(Reservation place, TokenOutput next, SequenceListener hears) {
            throw new AssertionError("a prefiller does not decode");
        }

        @Override
        public void cancel(Reservation place) {
            cancelled = true;
        }

        @Override
        public Stats stats() {
            return new Stats(16, 16, 0, 0, 0, 0, 0, 0, 0);
        }

        @Override
        public Counters counters() {
            return new Counters(0, 0, 0, 0, 0, 0, 0, 0, 0);
        }

        @Override
        public void clearCache() {}

        @Override
        public void drain(long nanos) {}

        @Override
        public void close() {}
    }

    /** Senders that note what they are given, and that can be full or gone. */
    static final class FakeSenders implements KvSenders {
        record Part(int layer, int firstBlock, int blocks) {
            int lastBlock() {
                return firstBlock + blocks - 1;
            }
        }

        final List<Part> parts = new CopyOnWriteArrayList<>();
        final Semaphore offered = new Semaphore(0);
        final Semaphore refusals = new Semaphore(0);
        final CountDownLatch closed = new CountDownLatch(1);
        volatile boolean full;
        volatile boolean gone;
        volatile byte @Nullable [] trailer;
        volatile @Nullable OutboundListener onLost;
        volatile @Nullable BatonException refusal;
        volatile List<String> ways = List.of("raw");
        volatile @Nullable StreamPolicy policy;
        volatile Delivery delivery = new Delivery(0, 0, 0, 0, 0);
        volatile int marks;

        void lose() {
            OutboundListener hears = onLost;
            if (hears != null) {
                hears.onLost(new BatonException(ErrorCode.KV_TRANSFER_FAILED, "gone"));
            }
        }

        @Override
        public OutboundTransfer open(
                List<ChannelOffer> offers,
                TransferId id,
                TransferSpec spec,
                OutboundListener hears) {
            BatonException no = refusal;
            if (no != null) {
                throw no;
            }
            onLost = hears;
            return new OutboundTransfer() {
                @Override
                public List<String> ways() {
                    return ways;
                }

                @Override
                public SendResult mark() {
                    marks++;
                    return SendResult.OK;
                }

                @Override
                public Delivery delivery() {
                    return delivery;
                }

                @Override
                public Optional<StreamPolicy> policy(long delayNanos, double bytesPerSecond) {
                    return Optional.ofNullable(policy);
                }

                @Override
                public SendResult offer(int way, int layer, int firstBlock, MemorySegment bytes) {
                    if (gone) {
                        return SendResult.CLOSED;
                    }
                    if (full) {
                        refusals.release();
                        return SendResult.BACK_PRESSURED;
                    }
                    int blocks = (int) (bytes.byteSize() / LAYOUT.blockLayerBytes());
                    for (int i = 0; i < blocks; i++) {
                        byte first =
                                bytes.get(
                                        ValueLayout.JAVA_BYTE, (long) i * LAYOUT.blockLayerBytes());
                        if (first != layer * 16 + firstBlock + i) {
                            throw new AssertionError("another block's bytes");
                        }
                    }
                    parts.add(new Part(layer, firstBlock, blocks));
                    offered.release();
                    return SendResult.OK;
                }

                @Override
                public SendResult finish(byte[] bytes) {
                    trailer = bytes;
                    return SendResult.OK;
                }

                @Override
                public boolean awaitWritable(long nanos) throws InterruptedException {
                    return closed.await(1, TimeUnit.MILLISECONDS);
                }

                @Override
                public Carrier carrier() {
                    return new Carrier("fake", KvChannelProvider.Reach.NETWORK);
                }

                @Override
                public TransferStats stats() {
                    return new TransferStats(4711, parts.size(), 5, 6);
                }

                @Override
                public void close() {
                    closed.countDown();
                }
            };
        }

        @Override
        public void close() {}
    }
}

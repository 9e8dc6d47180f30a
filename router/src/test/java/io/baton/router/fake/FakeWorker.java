package io.baton.router.fake;

import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeGrpc;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillGrpc;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.time.Timer;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.baton.common.worker.ModelTextService;
import io.baton.common.worker.RouterLink;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A worker that joins a router the real way and then does what its scripts say. Every call runs its
 * script on a virtual thread.
 */
public final class FakeWorker implements AutoCloseable {
    private static final AtomicLong INCARNATIONS = new AtomicLong(1);
    private static final long WAIT_SECONDS = 20;

    /** What a decoder does with a call. */
    @FunctionalInterface
    public interface DecodeScript {
        void run(FakeCall call) throws Exception;
    }

    /** What a prefiller does with a call. */
    @FunctionalInterface
    public interface PrefillScript {
        void run(FakePrefill call) throws Exception;
    }

    /** What a worker is. */
    public record Identity(String id, Role role, ModelCard model, int maxSequences) {
        public static Identity of(String id, Role role) {
            return new Identity(id, role, FakeModel.INSTANCE.card(), 64);
        }
    }

    private final Identity identity;
    private final long incarnation = INCARNATIONS.getAndIncrement();
    private final FakeTransfers transfers;
    private final Server server;
    private final ManagedChannel channel;
    private final Timer.SystemTimer timer = Timer.system("fake-worker");
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final RouterLink link;
    private final LinkedBlockingQueue<FakeCall> decodes = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<FakePrefill> prefills = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> linkStates = new LinkedBlockingQueue<>();
    private volatile DecodeScript decodeScript = FakeWorker::decode;
    private volatile boolean killed;
    private volatile PrefillScript prefillScript = FakeWorker::prefill;

    public FakeWorker(String router, Identity identity, FakeTransfers transfers) {
        this.identity = identity;
        this.transfers = transfers;
        this.server =
                ControlPlane.listen(
                        "127.0.0.1",
                        0,
                        ClusterToken.none(),
                        List.of(
                                new Decoder().bindService(),
                                new Prefiller().bindService(),
                                new ModelTextService(FakeModel.INSTANCE.text()).bindService()));
        this.channel = ControlPlane.connect(router, ClusterToken.none());
        this.link =
                new RouterLink(
                        router,
                        channel,
                        new RouterLink.Member(
                                registration(),
                                this::status,
                                (state, detail) -> linkStates.add(state + " " + detail)),
                        new RouterLink.Surroundings(timer, new Random(incarnation), threads));
        link.start();
    }

    private Registration registration() {
        return Registration.newBuilder()
                .setWorkerId(identity.id())
                .setIncarnation(incarnation)
                .setRole(identity.role())
                .setControlAddress("127.0.0.1:" + server.getPort())
                .setModel(identity.model())
                .setKv(FakeModel.INSTANCE.kv())
                .setMaxSequences(identity.maxSequences())
                .setVersion("test")
                .build();
    }

    private Status status() {
        return Status.newBuilder().setPoolBlocks(1000).setFreeBlocks(1000).build();
    }

    public String id() {
        return identity.id();
    }

    long incarnation() {
        return incarnation;
    }

    Timer timer() {
        return timer;
    }

    FakeTransfers transfers() {
        return transfers;
    }

    public FakeWorker decoding(DecodeScript script) {
        decodeScript = script;
        return this;
    }

    public FakeWorker prefilling(PrefillScript script) {
        prefillScript = script;
        return this;
    }

    /** The next call that came in. */
    public FakeCall nextDecode() throws InterruptedException {
        FakeCall call = decodes.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (call == null) {
            throw new AssertionError("no Generate came to " + id());
        }
        return call;
    }

    /** The next call that came in. */
    public FakePrefill nextPrefill() throws InterruptedException {
        FakePrefill call = prefills.poll(WAIT_SECONDS, TimeUnit.SECONDS);
        if (call == null) {
            throw new AssertionError("no Prefill came to " + id());
        }
        return call;
    }

    /** Calls that came in and were not asked for. */
    public int unseenDecodes() {
        return decodes.size();
    }

    /** Waits until the link has said this. */
    public String awaitLink(RouterLink.State state) throws InterruptedException {
        while (true) {
            String said = linkStates.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            if (said == null) {
                throw new AssertionError("the link of " + id() + " never was " + state);
            }
            if (said.startsWith(state.name())) {
                return said;
            }
        }
    }

    /** What a healthy decoder does. */
    public static void decode(FakeCall call) throws Exception {
        if (call.isLocal()) {
            call.started(0);
        } else {
            call.awaitTransfer(call.ticket());
        }
        call.tokens(call.spec().getEmittedCount(), call.spec().getSampling().getMaxTokens());
        call.finished();
    }

    /** What a healthy prefiller does. */
    public static void prefill(FakePrefill call) {
        call.started(0);
        call.firstToken();
        call.sent();
        call.done(0);
    }

    /** Gives the router nothing new to do here. */
    public void drain() {
        link.drain();
    }

    /** Dies at once, as with kill -9: sockets close, nothing is said. */
    public void kill() {
        killed = true;
        server.shutdownNow();
        channel.shutdownNow();
        timer.close();
        threads.shutdownNow();
    }

    @Override
    public void close() {
        if (!killed) {
            link.close();
            kill();
        }
    }

    private final class Decoder extends DecodeGrpc.DecodeImplBase {
        @Override
        public StreamObserver<DecodeCommand> generate(StreamObserver<DecodeEvent> out) {
            ServerCallStreamObserver<DecodeEvent> answer =
                    (ServerCallStreamObserver<DecodeEvent>) out;
            var commands = new Commands(answer);
            answer.setOnCancelHandler(commands::cancelled);
            return commands;
        }
    }

    private final class Commands implements StreamObserver<DecodeCommand> {
        private final StreamObserver<DecodeEvent> out;
        private volatile @Nullable FakeCall call;

        Commands(StreamObserver<DecodeEvent> out) {
            this.out = out;
        }

        @Override
        public void onNext(DecodeCommand command) {
            FakeCall known = call;
            if (known != null) {
                known.command(command);
                return;
            }
            FakeCall begun = new FakeCall(FakeWorker.this, command.getStart(), out);
            call = begun;
            decodes.add(begun);
            DecodeScript script = decodeScript;
            run(() -> script.run(begun));
        }

        void cancelled() {
            FakeCall known = call;
            if (known != null) {
                known.cancelled().complete(null);
            }
        }

        @Override
        public void onError(Throwable cause) {
            cancelled();
        }

        @Override
        public void onCompleted() {}
    }

    private final class Prefiller extends PrefillGrpc.PrefillImplBase {
        @Override
        public void prefill(PrefillRequest request, StreamObserver<PrefillEvent> out) {
            ServerCallStreamObserver<PrefillEvent> answer =
                    (ServerCallStreamObserver<PrefillEvent>) out;
            FakePrefill begun = new FakePrefill(FakeWorker.this, request, out);
            answer.setOnCancelHandler(() -> begun.cancelled().complete(null));
            prefills.add(begun);
            PrefillScript script = prefillScript;
            run(() -> script.run(begun));
        }
    }

    @FunctionalInterface
    private interface Action {
        void run() throws Exception;
    }

    /** A script that a killed or cancelled call interrupts ends without a word. */
    private void run(Action action) {
        threads.execute(
                () -> {
                    try {
                        action.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (Exception e) {
                        if (!server.isShutdown()) {
                            linkStates.add("SCRIPT " + e);
                        }
                    }
                });
    }
}

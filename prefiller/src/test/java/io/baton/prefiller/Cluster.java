package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvCoding;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.Registration;
import io.baton.common.proto.RegistryGrpc;
import io.baton.common.proto.Role;
import io.baton.common.proto.RouterMessage;
import io.baton.common.proto.Status;
import io.baton.common.proto.Welcome;
import io.baton.common.proto.WorkerMessage;
import io.baton.common.testkit.TinyModels;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.baton.common.worker.WorkerOptions;
import io.baton.decoder.DecoderWorker;
import io.baton.engine.EngineCards;
import io.baton.engine.EngineLoop;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelRuntime;
import io.baton.engine.Reservation;
import io.baton.engine.SequenceListener;
import io.baton.engine.SequenceSpec;
import io.baton.kernels.KernelsProviders;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Real workers on a tiny model with real gRPC and TCP between them, and a registry in the router's
 * place.
 */
final class Cluster implements AutoCloseable {
    static final int POOL_BLOCKS = 96;
    static final int MAX_LEN = 1024;
    static final int CHUNK = 64;
    private static final ClusterToken TOKEN = ClusterToken.of("a-token-for-tests-only");
    private static final byte[] SALT = {1, 2, 3};

    final ModelRuntime runtime;
    final Registry registry = new Registry();
    final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<AutoCloseable> workers = new CopyOnWriteArrayList<>();
    private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();
    private final Server server;

    Cluster(TinyModel model) {
        runtime =
                ModelRuntime.load(
                        TinyModels.open(model),
                        KernelsProviders.choose(KernelsProviders.Preference.REFERENCE, 1),
                        new ModelRuntime.Template(model.chatTemplate(), "file"));
        server = ControlPlane.listen("127.0.0.1", 0, TOKEN, List.of(registry.bindService()));
    }

    private WorkerOptions options(String id, KvCoding coding) {
        WorkerOptions.Limits usual = WorkerOptions.Limits.usual();
        return new WorkerOptions(
                id,
                WorkerOptions.Listen.loopback(),
                new WorkerOptions.Membership(List.of("127.0.0.1:" + server.getPort()), TOKEN),
                new WorkerOptions.Serving(
                        "tiny",
                        List.of(),
                        MAX_LEN,
                        CHUNK,
                        "exact",
                        WorkerOptions.Coding.of(coding)),
                new WorkerOptions.Limits(
                        TimeUnit.SECONDS.toNanos(5),
                        usual.stallNanos(),
                        1 << 20,
                        usual.connections(),
                        usual.maxRequestNanos(),
                        usual.stepNanos(),
                        usual.drainNanos(),
                        64));
    }

    private static EngineOptions engineOptions(String id) {
        return new EngineOptions(id, POOL_BLOCKS, KvDtype.BF16, MAX_LEN, 128, 16, 128, CHUNK);
    }

    PrefillerWorker prefiller(String id) {
        return prefiller(id, KvCoding.RAW);
    }

    PrefillerWorker prefiller(String id, KvCoding coding) {
        PrefillerWorker worker =
                PrefillerWorker.start(options(id, coding), engineOptions(id), runtime, meters);
        workers.add(worker);
        return worker;
    }

    DecoderWorker decoder(String id, Role role) {
        DecoderWorker worker =
                DecoderWorker.start(
                        role, options(id, KvCoding.RAW), engineOptions(id), runtime, meters);
        workers.add(worker);
        return worker;
    }

    Registration registration(String id) throws Exception {
        return registry.member(id).joined.get(20, TimeUnit.SECONDS);
    }

    ManagedChannel channel(String id) throws Exception {
        String address = registration(id).getControlAddress();
        return channels.computeIfAbsent(id, key -> ControlPlane.connect(address, TOKEN));
    }

    byte[] salt() {
        return SALT.clone();
    }

    /** Waits until a heartbeat shows that no block of a worker is reserved or active. */
    void awaitFreed(String id) throws Exception {
        registry.await(
                id,
                status -> {
                    return status.getReservedBlocks() == 0
                            && status.getActiveBlocks() == 0
                            && status.getRunning() == 0
                            && status.getWaiting() == 0
                            && status.getFreeBlocks() == POOL_BLOCKS;
                });
    }

    /** The same request in one process with no channel and no cache. */
    List<TokenOutput> local(int[] prompt, int[] emitted, SamplingParams sampling) throws Exception {
        EngineOptions options = engineOptions("local");
        CompletableFuture<List<TokenOutput>> answer = new CompletableFuture<>();
        List<TokenOutput> tokens = new ArrayList<>();
        SequenceListener listener =
                new SequenceListener() {
                    @Override
                    public boolean onToken(TokenOutput token) {
                        tokens.add(token);
                        return true;
                    }

                    @Override
                    public void onFinished(FinishReason reason) {
                        answer.complete(tokens);
                    }

                    @Override
                    public void onError(BatonException error) {
                        answer.completeExceptionally(error);
                    }
                };
        KeyChain keys =
                KeyChain.of(
                        new KeyChain.Root(
                                "local",
                                EngineCards.layout(runtime, options),
                                "exact",
                                "local",
                                new byte[0]));
        try (EngineLoop loop = runtime.startEngine(options, Ticker.system());
                Reservation place =
                        loop.reserve(
                                new SequenceSpec("local", prompt, emitted, sampling, keys, true))) {
            loop.prefill(place, listener, true);
            return answer.get(60, TimeUnit.SECONDS);
        }
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable worker : workers) {
            worker.close();
        }
        channels.values().forEach(ManagedChannel::shutdownNow);
        server.shutdownNow();
        runtime.close();
    }

    /** Welcomes everyone and keeps the newest status of each. */
    static final class Registry extends RegistryGrpc.RegistryImplBase {
        static final class Member {
            final CompletableFuture<Registration> joined = new CompletableFuture<>();
            volatile Status status = Status.getDefaultInstance();
            volatile boolean draining;
        }

        private final Map<String, Member> members = new ConcurrentHashMap<>();

        Member member(String id) {
            return members.computeIfAbsent(id, key -> new Member());
        }

        Status await(String id, Predicate<Status> wanted) throws InterruptedException {
            Member member = member(id);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            synchronized (member) {
                // The status that counts is one sent after this call.
                member.status = Status.getDefaultInstance();
                while (!wanted.test(member.status)) {
                    if (System.nanoTime() > deadline) {
                        throw new AssertionError(id + " stays at " + member.status);
                    }
                    member.wait(100);
                }
                return member.status;
            }
        }

        @Override
        public StreamObserver<WorkerMessage> join(StreamObserver<RouterMessage> answer) {
            return new StreamObserver<>() {
                private Member member = new Member();

                @Override
                public void onNext(WorkerMessage message) {
                    switch (message.getKindCase()) {
                        case REGISTRATION -> {
                            Registration registration = message.getRegistration();
                            member = member(registration.getWorkerId());
                            member.joined.complete(registration);
                            answer.onNext(
                                    RouterMessage.newBuilder()
                                            .setWelcome(
                                                    Welcome.newBuilder()
                                                            .setRouterId("test")
                                                            .setHeartbeatMillis(20)
                                                            .setLeaseMillis(2000))
                                            .build());
                        }
                        case STATUS -> {
                            synchronized (member) {
                                member.status = message.getStatus();
                                member.notifyAll();
                            }
                        }
                        case DRAINING -> member.draining = true;
                        case KIND_NOT_SET -> throw new AssertionError("an empty message");
                    }
                }

                @Override
                public void onError(Throwable error) {}

                @Override
                public void onCompleted() {
                    answer.onCompleted();
                }
            };
        }
    }
}

package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.config.Configuration;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvCoding;
import io.baton.common.kv.KvLink;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.RegistryGrpc;
import io.baton.common.proto.Role;
import io.baton.common.proto.RouterMessage;
import io.baton.common.proto.Status;
import io.baton.common.proto.Welcome;
import io.baton.common.proto.WorkerMessage;
import io.baton.common.testkit.VirtualTime;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerShellTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static String take(BlockingQueue<String> queue) throws InterruptedException {
        String value = queue.poll(20, TimeUnit.SECONDS);
        assertNotNull(value, "nothing came within 20 s");
        return value;
    }

    /**
     * Notes who joined, drains and left. A worker has joined with its first status: it sends one
     * once it has read the welcome, so time that passes afterwards finds it a member.
     */
    private static final class Registry extends RegistryGrpc.RegistryImplBase {
        final BlockingQueue<String> news = new LinkedBlockingQueue<>();

        @Override
        public StreamObserver<WorkerMessage> join(StreamObserver<RouterMessage> answer) {
            return new StreamObserver<>() {
                private String worker = "";
                private boolean joined;

                @Override
                public void onNext(WorkerMessage message) {
                    if (message.hasRegistration()) {
                        worker = message.getRegistration().getWorkerId();
                        answer.onNext(
                                RouterMessage.newBuilder()
                                        .setWelcome(Welcome.newBuilder().setHeartbeatMillis(10_000))
                                        .build());
                    } else if (message.hasStatus() && !joined) {
                        joined = true;
                        news.add("joined " + worker);
                    } else if (message.hasDraining()) {
                        news.add("drains");
                    }
                }

                @Override
                public void onError(Throwable error) {
                    news.add("left");
                }

                @Override
                public void onCompleted() {
                    news.add("left");
                }
            };
        }
    }

    @Test
    void aStuckEngineLeavesItsRoutersUntilItMovesAgain() throws Exception {
        Registry registry = new Registry();
        VirtualTime time = new VirtualTime();
        AtomicReference<WorkerShell.Pulse> pulse =
                new AtomicReference<>(new WorkerShell.Pulse(7, true));
        Server server =
                ControlPlane.listen(
                        "127.0.0.1", 0, ClusterToken.none(), List.of(registry.bindService()));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                WorkerShell shell =
                        WorkerShell.start(
                                new WorkerOptions(
                                        "w",
                                        WorkerOptions.Listen.loopback(),
                                        new WorkerOptions.Membership(
                                                List.of("127.0.0.1:" + server.getPort()),
                                                ClusterToken.none()),
                                        new WorkerOptions.Serving(
                                                "m",
                                                List.of(),
                                                64,
                                                32,
                                                "exact",
                                                WorkerOptions.Coding.of(KvCoding.RAW)),
                                        WorkerOptions.Limits.usual()),
                                new WorkerShell.Identity(
                                        Role.ROLE_DECODER,
                                        3,
                                        ModelCard.getDefaultInstance(),
                                        KvFormat.getDefaultInstance(),
                                        4),
                                new WorkerShell.Inside(
                                        Status::getDefaultInstance,
                                        pulse::get,
                                        () -> "",
                                        List.of()),
                                new WorkerShell.Surroundings(time, time, new Random(1), threads),
                                List.of())) {
            assertEquals("joined w", take(registry.news));
            time.advance(30 * SECOND);
            assertTrue(shell.isAlive(), "30 s may pass in one step");
            time.advance(SECOND);
            assertFalse(shell.isAlive());
            assertEquals("left", take(registry.news));
            pulse.set(new WorkerShell.Pulse(8, true));
            time.advance(SECOND);
            assertTrue(shell.isAlive());
            assertEquals("joined w", take(registry.news));
            assertTrue(shell.drain(0), "no attempt was in progress");
            assertEquals("drains", take(registry.news));
        } finally {
            server.shutdownNow();
        }
        assertEquals("left", take(registry.news));
    }

    @Test
    void aStartThatFailsHalfwayFreesItsPort() throws Exception {
        // Any program of this machine may take a port that is free: then another one is tried.
        boolean freed = false;
        for (int attempt = 0; attempt < 5 && !freed; attempt++) {
            freed = startsHalfwayAndFreesItsPort();
        }
        assertTrue(freed, "the port is still taken");
    }

    private static boolean startsHalfwayAndFreesItsPort() throws Exception {
        int free;
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            free = any.getLocalPort();
        }
        VirtualTime time = new VirtualTime();
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertCode(
                    ErrorCode.CONFIGURATION,
                    () ->
                            WorkerShell.start(
                                    new WorkerOptions(
                                            "w",
                                            new WorkerOptions.Listen(
                                                    "127.0.0.1",
                                                    free,
                                                    "127.0.0.1",
                                                    0,
                                                    "",
                                                    taken.getLocalPort(),
                                                    KvLink.AUTO,
                                                    null),
                                            new WorkerOptions.Membership(
                                                    List.of(), ClusterToken.none()),
                                            new WorkerOptions.Serving(
                                                    "m",
                                                    List.of(),
                                                    64,
                                                    32,
                                                    "exact",
                                                    WorkerOptions.Coding.of(KvCoding.RAW)),
                                            WorkerOptions.Limits.usual()),
                                    new WorkerShell.Identity(
                                            Role.ROLE_DECODER,
                                            3,
                                            ModelCard.getDefaultInstance(),
                                            KvFormat.getDefaultInstance(),
                                            4),
                                    new WorkerShell.Inside(
                                            Status::getDefaultInstance,
                                            () -> new WorkerShell.Pulse(0, false),
                                            () -> "",
                                            List.of()),
                                    new WorkerShell.Surroundings(
                                            time, time, new Random(1), Runnable::run),
                                    List.of()));
        }
        assertEquals(0, time.pending());
        try {
            ControlPlane.listen("127.0.0.1", free, ClusterToken.none(), List.of()).shutdownNow();
            return true;
        } catch (BatonException e) {
            return false;
        }
    }

    @Test
    void liveCallsAreFencedBoundedAndAwaited() {
        LiveCalls<String> live = new LiveCalls<>(9, 2);
        live.check(9);
        assertCode(ErrorCode.STALE_EPOCH, () -> live.check(8));
        assertEquals(null, live.admit("a", 1, "first"));
        assertCode(ErrorCode.STALE_EPOCH, () -> live.admit("a", 1, "again"));
        assertEquals("first", live.admit("a", 2, "second"));
        live.remove("a", "first");
        assertEquals(1, live.size(), "the newer one stays");
        live.renew("a", 5);
        assertCode(ErrorCode.STALE_EPOCH, () -> live.admit("a", 4, "late"));
        live.admit("b", 1, "other");
        assertCode(ErrorCode.QUEUE_FULL, () -> live.check(9));
        assertFalse(live.awaitEmpty(0));
        live.remove("a", "second");
        live.remove("b", "other");
        assertTrue(live.awaitEmpty(0));
        live.drain();
        assertCode(ErrorCode.DRAINING, () -> live.check(9));
    }

    @Test
    void optionsComeFromConfiguration() {
        WorkerOptions options =
                WorkerOptions.of(
                        Configuration.of(
                                Map.of(
                                        "kv.chunk-tokens", "64",
                                        "model.served-names", "a,b",
                                        "router.address", "127.0.0.1:9001,127.0.0.1:9002",
                                        "transfer.ticket-lease", "3s",
                                        "worker.admin-port", "0")),
                        "prefiller-1",
                        "file-name",
                        4096);
        assertEquals("prefiller-1", options.workerId());
        assertEquals("a", options.serving().modelName());
        assertEquals(List.of("b"), options.serving().aliases());
        assertEquals(4096, options.serving().maxModelLen());
        assertEquals(64, options.serving().chunkTokens());
        assertEquals(2, options.membership().routers().size());
        assertFalse(options.membership().token().isSet());
        assertEquals(3 * SECOND, options.limits().leaseNanos());
        assertEquals(2 * SECOND, options.limits().stallNanos());
        assertEquals(0, options.listen().adminPort());
    }

    private static void assertCode(ErrorCode code, Runnable call) {
        assertEquals(code, assertThrows(BatonException.class, call::run).code());
    }
}

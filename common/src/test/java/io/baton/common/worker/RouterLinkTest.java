package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.proto.Refusal;
import io.baton.common.proto.Registration;
import io.baton.common.proto.RegistryGrpc;
import io.baton.common.proto.RouterMessage;
import io.baton.common.proto.Status;
import io.baton.common.proto.Welcome;
import io.baton.common.proto.WorkerMessage;
import io.baton.common.testkit.VirtualTime;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RouterLinkTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** A registry that records what it hears; the test answers. */
    private static final class Registry extends RegistryGrpc.RegistryImplBase {
        final BlockingQueue<StreamObserver<RouterMessage>> joins = new LinkedBlockingQueue<>();
        final BlockingQueue<WorkerMessage> heard = new LinkedBlockingQueue<>();
        final BlockingQueue<String> ends = new LinkedBlockingQueue<>();

        @Override
        public StreamObserver<WorkerMessage> join(StreamObserver<RouterMessage> answer) {
            joins.add(answer);
            return new StreamObserver<>() {
                @Override
                public void onNext(WorkerMessage message) {
                    heard.add(message);
                }

                @Override
                public void onError(Throwable error) {
                    ends.add("error");
                }

                @Override
                public void onCompleted() {
                    ends.add("completed");
                }
            };
        }
    }

    private final Registry registry = new Registry();
    private final VirtualTime time = new VirtualTime();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final BlockingQueue<RouterLink.State> states = new LinkedBlockingQueue<>();
    private Server server;
    private ManagedChannel channel;
    private RouterLink link;

    @BeforeEach
    void open() {
        server =
                ControlPlane.listen(
                        "127.0.0.1", 0, ClusterToken.none(), List.of(registry.bindService()));
        channel = ControlPlane.connect("127.0.0.1:" + server.getPort(), ClusterToken.none());
        link =
                new RouterLink(
                        "test",
                        channel,
                        new RouterLink.Member(
                                Registration.newBuilder().setWorkerId("w").build(),
                                () -> Status.newBuilder().setPoolBlocks(7).build(),
                                (state, detail) -> states.add(state)),
                        new RouterLink.Surroundings(time, new Random(1), threads));
    }

    @AfterEach
    void shut() {
        link.close();
        channel.shutdownNow();
        server.shutdownNow();
        threads.close();
    }

    private static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
        T value = queue.poll(20, TimeUnit.SECONDS);
        assertNotNull(value, "nothing came within 20 s");
        return value;
    }

    private StreamObserver<RouterMessage> joined() throws InterruptedException {
        assertEquals(RouterLink.State.JOINING, take(states));
        StreamObserver<RouterMessage> answer = take(registry.joins);
        assertEquals("w", take(registry.heard).getRegistration().getWorkerId());
        return answer;
    }

    private static void welcome(StreamObserver<RouterMessage> answer) {
        answer.onNext(
                RouterMessage.newBuilder()
                        .setWelcome(Welcome.newBuilder().setRouterId("r").setHeartbeatMillis(250))
                        .build());
    }

    /** Lets time pass until something waits for it to be told. */
    private void awaitTimer() {
        while (time.pending() == 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void registersThenSendsAStatusEveryHeartbeat() throws Exception {
        link.start();
        StreamObserver<RouterMessage> answer = joined();
        welcome(answer);
        assertEquals(RouterLink.State.MEMBER, take(states));
        for (int i = 0; i < 3; i++) {
            assertEquals(7, take(registry.heard).getStatus().getPoolBlocks());
            awaitTimer();
            assertTrue(registry.heard.isEmpty(), "no status before the interval is over");
            time.advance(SECOND / 4);
        }
    }

    @Test
    void comesBackAfterALossAndDrainsAgain() throws Exception {
        link.start();
        welcome(joined());
        assertEquals(RouterLink.State.MEMBER, take(states));
        take(registry.heard);
        link.drain();
        assertTrue(take(registry.heard).hasDraining());
        awaitTimer();
        int port = server.getPort();
        server.shutdownNow().awaitTermination();
        assertEquals(RouterLink.State.APART, take(states));
        server =
                ControlPlane.listen(
                        "127.0.0.1", port, ClusterToken.none(), List.of(registry.bindService()));
        awaitTimer();
        time.advance(6 * SECOND);
        welcome(joined());
        assertEquals(RouterLink.State.MEMBER, take(states));
        assertTrue(take(registry.heard).hasDraining(), "a draining worker says so again");
    }

    @Test
    void aRefusalIsTriedAgainAtTheLongestWait() throws Exception {
        link.start();
        StreamObserver<RouterMessage> answer = joined();
        answer.onNext(
                RouterMessage.newBuilder()
                        .setRefusal(Refusal.newBuilder().setCode("handshake_mismatch"))
                        .build());
        assertEquals(RouterLink.State.REFUSED, take(states));
        // Both the wait for the welcome and the next attempt may be pending for a moment.
        awaitTimer();
        time.advance(SECOND);
        assertTrue(registry.joins.isEmpty(), "2.5 s at least");
        while (registry.joins.isEmpty()) {
            time.advance(SECOND);
            registry.joins.addAll(drainOne());
        }
        assertEquals(RouterLink.State.JOINING, take(states));
    }

    private List<StreamObserver<RouterMessage>> drainOne() throws InterruptedException {
        StreamObserver<RouterMessage> next = registry.joins.poll(200, TimeUnit.MILLISECONDS);
        return next == null ? List.of() : List.of(next);
    }

    @Test
    void aSilentRouterIsLeftAfterFiveSeconds() throws Exception {
        link.start();
        joined();
        awaitTimer();
        time.advance(5 * SECOND);
        assertEquals(RouterLink.State.APART, take(states));
        assertEquals("error", take(registry.ends));
    }

    @Test
    void closingEndsTheStream() throws Exception {
        link.start();
        welcome(joined());
        assertEquals(RouterLink.State.MEMBER, take(states));
        link.close();
        assertEquals(RouterLink.State.CLOSED, take(states));
        assertEquals("completed", take(registry.ends));
        time.advance(60 * SECOND);
        assertTrue(registry.joins.isEmpty());
    }
}

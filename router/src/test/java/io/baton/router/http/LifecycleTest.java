package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.proto.Role;
import io.baton.router.RouterOptions;
import io.baton.router.fake.FakeCall;
import io.baton.router.fake.FakeModel;
import io.baton.router.fake.FakePrefill;
import io.baton.router.fake.FakeWorker;
import io.baton.router.fake.TestCluster;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that leave, queues that fill, routers that stop. */
class LifecycleTest {
    /** A bound on waiting, not the goal: how fast it is, `bench cancel` measures. */
    private static final long CANCEL_SECONDS = 20;

    private static RouterOptions small(RouterOptions options, int running, int waiting) {
        RouterOptions.Work work = options.work();
        return new RouterOptions(
                options.http(),
                options.access(),
                options.cluster(),
                options.route(),
                new RouterOptions.Work(
                        running,
                        waiting,
                        work.requestTimeout(),
                        Duration.ofMillis(700),
                        work.maxAttempts(),
                        work.retryBudget(),
                        work.prefixBlocks(),
                        work.ledgerEntries(),
                        false,
                        Duration.ZERO),
                options.drain());
    }

    private static String raw(String body) {
        return RawHttp.post(
                "/v1/chat/completions",
                body,
                "Content-Type: application/json",
                "Content-Length: " + body.length());
    }

    private static void awaitCancel(CompletableFuture<Void> cancelled) throws Exception {
        cancelled.get(CANCEL_SECONDS, TimeUnit.SECONDS);
    }

    private static FakeWorker.DecodeScript endless(CountDownLatch begun) {
        return call -> {
            call.started(0);
            call.tokens(0, 3);
            begun.countDown();
            call.cancelled().get(20, TimeUnit.SECONDS);
        };
    }

    @Test
    void aClientThatLeavesFreesTheDecoder(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            for (String extra : List.of("\"stream\":true", "\"stream\":false")) {
                CountDownLatch begun = new CountDownLatch(1);
                cluster.worker("w").decoding(endless(begun));
                FakeCall call;
                try (RawHttp client = new RawHttp(cluster.router().uri())) {
                    client.send(raw(chat(100, extra)));
                    call = cluster.worker("w").nextDecode();
                    assertTrue(begun.await(20, TimeUnit.SECONDS));
                }
                awaitCancel(call.cancelled());
            }
            TestCluster.awaitTrue(
                    () -> cluster.router().pools().getFirst().workers().getFirst().inFlight() == 0,
                    "no call in flight");
        }
    }

    @Test
    void aClientThatLeavesDuringPrefillFreesBothLegs(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            cluster.add("d", Role.ROLE_DECODER);
            cluster.add("p", Role.ROLE_PREFILLER)
                    .prefilling(call -> call.cancelled().get(20, TimeUnit.SECONDS));
            cluster.awaitWorkers(2);
            FakeCall decode;
            FakePrefill prefill;
            try (RawHttp client = new RawHttp(cluster.router().uri())) {
                client.send(raw(chat(10, "\"stream\":true")));
                decode = cluster.worker("d").nextDecode();
                prefill = cluster.worker("p").nextPrefill();
            }
            awaitCancel(decode.cancelled());
            awaitCancel(prefill.cancelled());
        }
    }

    @Test
    void aFullQueueGets429AndALongWait503(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state, o -> small(o, 1, 1));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch release = new CountDownLatch(1);
            cluster.worker("w")
                    .decoding(
                            call -> {
                                call.started(0);
                                release.await(20, TimeUnit.SECONDS);
                                call.tokens(0, 1);
                                call.finished();
                            });
            Future<HttpResponse<String>> running =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(1, "")));
            cluster.worker("w").nextDecode();
            Future<HttpResponse<String>> waiting =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(1, "")));
            TestCluster.awaitTrue(
                    () -> metric(cluster, "baton_router_waiting") == 1, "one request to wait");
            HttpResponse<String> refused = cluster.post("/v1/chat/completions", chat(1, ""));
            assertEquals(429, refused.statusCode());
            assertEquals("queue_full", json(refused.body()).at("/error/code").stringValue());
            assertTrue(refused.headers().firstValue("retry-after").isPresent());
            HttpResponse<String> late = waiting.get(20, TimeUnit.SECONDS);
            assertEquals(503, late.statusCode());
            assertTrue(late.headers().firstValue("retry-after").isPresent());
            release.countDown();
            assertEquals(200, running.get(20, TimeUnit.SECONDS).statusCode());
        }
    }

    private static double metric(TestCluster cluster, String name) {
        try {
            return cluster.get("/metrics")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(name + " "))
                    .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                    .findFirst()
                    .orElse(-1);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void drainingEndsWhatRunsAndRefusesWhatComes(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch release = new CountDownLatch(1);
            cluster.worker("w")
                    .decoding(
                            call -> {
                                call.started(0);
                                call.tokens(0, 1);
                                release.await(20, TimeUnit.SECONDS);
                                call.tokens(1, 4);
                                call.finished();
                            });
            Future<HttpResponse<String>> running =
                    clients.submit(
                            () -> cluster.post("/v1/chat/completions", chat(4, "\"stream\":true")));
            cluster.worker("w").nextDecode();
            Future<Boolean> drained = clients.submit(() -> cluster.router().drain());
            TestCluster.awaitTrue(
                    () -> {
                        try {
                            return cluster.get("/readyz").statusCode() == 503;
                        } catch (Exception e) {
                            throw new AssertionError(e);
                        }
                    },
                    "not to be ready");
            HttpResponse<String> refused = cluster.post("/v1/chat/completions", chat(1, ""));
            assertEquals(503, refused.statusCode());
            assertEquals("draining", json(refused.body()).at("/error/code").stringValue());
            assertEquals(200, cluster.get("/livez").statusCode());
            assertFalse(drained.isDone());
            release.countDown();
            assertTrue(drained.get(20, TimeUnit.SECONDS));
            assertTrue(running.get(20, TimeUnit.SECONDS).body().contains("[DONE]"));
        }
    }

    @Test
    void withoutWorkersItIs503(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            assertEquals(503, cluster.get("/health").statusCode());
            HttpResponse<String> refused = cluster.post("/v1/chat/completions", chat(1, ""));
            assertEquals(503, refused.statusCode());
            assertEquals("no_worker", json(refused.body()).at("/error/code").stringValue());
            cluster.add("p", Role.ROLE_PREFILLER);
            TestCluster.awaitTrue(
                    () ->
                            !cluster.router().pools().isEmpty()
                                    && cluster.router().pools().getFirst().text().isPresent(),
                    "the prefiller to join");
            assertEquals(503, cluster.get("/health").statusCode(), "a prefiller alone serves none");
        }
    }

    @Test
    void aSlowReaderSlowsTheWorkerAndNotTheRouter(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            cluster.worker("w")
                    .decoding(
                            call -> {
                                call.started(0);
                                call.tokens(0, 400);
                                call.finished();
                            });
            try (RawHttp slow = new RawHttp(cluster.router().uri())) {
                slow.send(raw(chat(400, "\"stream\":true")));
                cluster.worker("w").nextDecode();
                assertEquals(
                        200,
                        cluster.post("/v1/chat/completions", chat(400, "")).statusCode(),
                        "others are served");
                assertTrue(slow.readUntil("[DONE]\n\n").endsWith("data: [DONE]\n\n"));
            }
        }
    }

    private static boolean isCounted(TestCluster cluster, String code) {
        try {
            return cluster.get("/metrics").body().contains("code=\"" + code + "\"");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aClientThatNeverReadsIsDroppedAndTheWorkerFreed(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            String big = "x".repeat(64 << 10);
            cluster.worker("w")
                    .decoding(
                            call -> {
                                call.started(0);
                                for (int i = 0; i < 400; i++) {
                                    call.token(
                                            FakeModel.INSTANCE.token(call.spec(), i).toBuilder()
                                                    .setText(big)
                                                    .build());
                                }
                            });
            try (RawHttp deaf = new RawHttp(cluster.router().uri())) {
                deaf.send(raw(chat(400, "\"stream\":true")));
                FakeCall call = cluster.worker("w").nextDecode();
                call.cancelled().get(20, TimeUnit.SECONDS);
            }
            TestCluster.awaitTrue(() -> isCounted(cluster, "client_closed"), "it to be counted");
        }
    }

    @Test
    void anHttp2ClientThatResetsItsStreamFreesTheDecoder(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state);
                HttpClient client =
                        HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            CountDownLatch begun = new CountDownLatch(1);
            cluster.worker("w").decoding(endless(begun));
            CompletableFuture<HttpResponse<String>> answer =
                    client.sendAsync(
                            HttpRequest.newBuilder(
                                            URI.create(
                                                    cluster.router().uri()
                                                            + "/v1/chat/completions"))
                                    .header("Content-Type", "application/json")
                                    .POST(BodyPublishers.ofString(chat(100, "\"stream\":true")))
                                    .build(),
                            BodyHandlers.ofString());
            FakeCall call = cluster.worker("w").nextDecode();
            assertTrue(begun.await(20, TimeUnit.SECONDS));
            answer.cancel(true);
            awaitCancel(call.cancelled());
        }
    }
}

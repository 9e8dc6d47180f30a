package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.events;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Role;
import io.baton.router.fake.FakeCall;
import io.baton.router.fake.FakeModel;
import io.baton.router.fake.FakePrefill;
import io.baton.router.fake.FakeWorker;
import io.baton.router.fake.TestCluster;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers that die at each phase: the client sees one whole answer, or one error. */
class FailoverTest {
    private static final String STREAM = "\"stream\":true";

    private static String text(HttpResponse<String> response) {
        assertEquals(200, response.statusCode(), response.body());
        StringBuilder text = new StringBuilder();
        List<String> events = events(response.body());
        assertEquals("[DONE]", events.getLast());
        for (String event : events.subList(0, events.size() - 1)) {
            assertFalse(json(event).has("error"), event);
            text.append(json(event).at("/choices/0/delta/content").stringValue(""));
        }
        return text.toString();
    }

    /** A decoder that gives {@code tokens} tokens and then hangs. */
    private static FakeWorker.DecodeScript hangsAfter(int tokens) {
        return call -> {
            if (call.isLocal()) {
                call.started(0);
            } else {
                call.awaitTransfer(call.ticket());
            }
            int from = call.spec().getEmittedCount();
            call.tokens(from, from + tokens);
            call.cancelled().get(20, TimeUnit.SECONDS);
        };
    }

    /** A decoder that is told, once its prefiller is lost, to compute the prompt itself. */
    private static final FakeWorker.DecodeScript GOES_ON_ALONE =
            call -> {
                call.ticket();
                assertTrue(call.awaitReticket());
                call.started(0);
                call.tokens(0, call.spec().getSampling().getMaxTokens());
                call.finished();
            };

    @Test
    void prefillAndDecodeOnTwoWorkers(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            cluster.add("d", Role.ROLE_DECODER);
            cluster.add("p", Role.ROLE_PREFILLER);
            cluster.awaitWorkers(2);
            HttpResponse<String> response = cluster.post("/v1/chat/completions", chat(8, STREAM));
            FakeCall decode = cluster.worker("d").nextDecode();
            FakePrefill prefill = cluster.worker("p").nextPrefill();
            assertEquals(FakeModel.INSTANCE.answer(decode.spec()), text(response));
            assertEquals(decode.spec().getRequestId(), prefill.request().getSpec().getRequestId());
            assertEquals("d", prefill.request().getTicket().getDecoderId());
        }
    }

    @Test
    void aDecoderThatDiesMidStreamIsReplacedUnnoticed(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            cluster.add("d1", Role.ROLE_DECODER).decoding(hangsAfter(3));
            cluster.add("p", Role.ROLE_PREFILLER);
            cluster.awaitWorkers(2);
            Future<HttpResponse<String>> answer =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(10, STREAM)));
            FakeCall first = cluster.worker("d1").nextDecode();
            TestCluster.awaitTrue(
                    () -> tokensOut(cluster) >= 3, "three tokens to be with the router");
            cluster.add("d2", Role.ROLE_DECODER);
            cluster.awaitWorkers(3);
            cluster.worker("d1").kill();
            FakeCall second = cluster.worker("d2").nextDecode();
            assertEquals(
                    FakeModel.INSTANCE.answer(first.spec()),
                    text(answer.get(20, TimeUnit.SECONDS)));
            assertEquals(3, second.spec().getEmittedCount());
            assertEquals(first.spec().getEpoch() + 1, second.spec().getEpoch());
            assertEquals(FakeModel.INSTANCE.id(first.spec(), 2), second.spec().getEmitted(2));
        }
    }

    private static long tokensOut(TestCluster cluster) {
        try {
            return cluster.get("/metrics")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("baton_router_inter_token_seconds_count "))
                    .mapToLong(line -> (long) Double.parseDouble(line.split(" ")[1]) + 1)
                    .findFirst()
                    .orElse(0);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aPrefillerThatDiesIsReplacedByAnother(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            cluster.add("d", Role.ROLE_DECODER)
                    .decoding(
                            call -> {
                                call.ticket();
                                assertFalse(call.awaitReticket());
                                call.awaitTransfer(call.ticket());
                                call.tokens(0, call.spec().getSampling().getMaxTokens());
                                call.finished();
                            });
            cluster.add("p1", Role.ROLE_PREFILLER)
                    .prefilling(call -> call.cancelled().get(20, TimeUnit.SECONDS));
            cluster.awaitWorkers(2);
            Future<HttpResponse<String>> answer =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(5, STREAM)));
            cluster.worker("p1").nextPrefill();
            cluster.add("p2", Role.ROLE_PREFILLER);
            cluster.awaitWorkers(3);
            cluster.worker("p1").kill();
            FakePrefill second = cluster.worker("p2").nextPrefill();
            assertEquals(2, second.request().getTicket().getEpoch());
            assertEquals(2, second.request().getSpec().getEpoch());
            FakeCall decode = cluster.worker("d").nextDecode();
            assertEquals(
                    FakeModel.INSTANCE.answer(decode.spec()),
                    text(answer.get(20, TimeUnit.SECONDS)));
        }
    }

    /** Heartbeats and connection are fine; only the request's own call is dead. */
    @Test
    void aDecoderThatFallsSilentOnOneCallIsReplaced(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            cluster.add("d1", Role.ROLE_DECODER)
                    .decoding(
                            call -> {
                                call.awaitTransfer(call.ticket());
                                call.tokens(0, 3);
                                call.fallSilent();
                                call.cancelled().get(20, TimeUnit.SECONDS);
                            });
            cluster.add("p", Role.ROLE_PREFILLER);
            cluster.awaitWorkers(2);
            Future<HttpResponse<String>> answer =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(10, STREAM)));
            FakeCall silent = cluster.worker("d1").nextDecode();
            cluster.add("d2", Role.ROLE_DECODER);
            cluster.awaitWorkers(3);
            FakeCall second = cluster.worker("d2").nextDecode();
            assertEquals(3, second.spec().getEmittedCount());
            assertEquals(
                    FakeModel.INSTANCE.answer(silent.spec()),
                    text(answer.get(20, TimeUnit.SECONDS)));
            silent.cancelled().get(20, TimeUnit.SECONDS);
            assertEquals(
                    3,
                    cluster.router().pools().getFirst().workers().size(),
                    "the silent worker keeps its lease: it may serve others well");
        }
    }

    @Test
    void aPrefillerThatFallsSilentOnOneCallIsReplaced(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            cluster.add("d", Role.ROLE_DECODER).decoding(GOES_ON_ALONE);
            cluster.add("p", Role.ROLE_PREFILLER)
                    .prefilling(
                            call -> {
                                call.started(0);
                                call.fallSilent();
                                call.cancelled().get(20, TimeUnit.SECONDS);
                            });
            cluster.awaitWorkers(2);
            HttpResponse<String> answer = cluster.post("/v1/chat/completions", chat(5, STREAM));
            assertEquals(
                    FakeModel.INSTANCE.answer(cluster.worker("d").nextDecode().spec()),
                    text(answer));
            cluster.worker("p").nextPrefill().cancelled().get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void theLastPrefillerIsReplacedByTheDecoderItself(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            cluster.add("d", Role.ROLE_DECODER).decoding(GOES_ON_ALONE);
            cluster.add("p", Role.ROLE_PREFILLER)
                    .prefilling(call -> call.failed(ErrorCode.INTERNAL, "broken"));
            cluster.awaitWorkers(2);
            HttpResponse<String> answer = cluster.post("/v1/chat/completions", chat(5, STREAM));
            assertEquals(
                    FakeModel.INSTANCE.answer(cluster.worker("d").nextDecode().spec()),
                    text(answer));
        }
    }

    @Test
    void withoutAnotherDecoderTheStreamEndsWithOneErrorFrame(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state);
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            cluster.worker("w").decoding(hangsAfter(3));
            Future<HttpResponse<String>> answer =
                    clients.submit(() -> cluster.post("/v1/chat/completions", chat(10, STREAM)));
            cluster.worker("w").nextDecode();
            TestCluster.awaitTrue(
                    () -> tokensOut(cluster) >= 3, "three tokens to be with the router");
            cluster.worker("w").kill();
            List<String> events = events(answer.get(20, TimeUnit.SECONDS).body());
            assertEquals("[DONE]", events.getLast());
            assertEquals(
                    "worker_lost",
                    json(events.get(events.size() - 2)).at("/error/code").stringValue());
            assertEquals(1, events.stream().filter(event -> event.contains("\"error\"")).count());
        }
    }

    @Test
    void aRequestThatKillsTwoWorkersIsNotTriedOnAThird(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            for (String id : List.of("a", "b", "c")) {
                cluster.add(id, Role.ROLE_COLOCATED).decoding(call -> cluster.worker(id).kill());
            }
            cluster.awaitWorkers(3);
            HttpResponse<String> answer = cluster.post("/v1/chat/completions", chat(5, ""));
            assertEquals(500, answer.statusCode());
            assertEquals("worker_lost", json(answer.body()).at("/error/code").stringValue());
            TestCluster.awaitTrue(
                    () -> cluster.router().pools().getFirst().workers().size() == 1,
                    "one worker to be left");
        }
    }

    @Test
    void aDecoderWithoutRoomIsPassedOver(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            for (String id : List.of("a", "b")) {
                cluster.add(id, Role.ROLE_COLOCATED);
            }
            cluster.worker("a")
                    .decoding(call -> call.failed(ErrorCode.KV_POOL_EXHAUSTED, "no blocks"));
            cluster.awaitWorkers(2);
            for (int i = 0; i < 8; i++) {
                assertEquals(200, cluster.post("/v1/chat/completions", chat(2, "")).statusCode());
            }
        }
    }

    @Test
    void whenNobodyHasRoomItIs503AfterTheQueueTime(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            cluster.worker("w")
                    .decoding(call -> call.failed(ErrorCode.KV_POOL_EXHAUSTED, "no blocks"));
            HttpResponse<String> answer = cluster.post("/v1/chat/completions", chat(2, ""));
            assertEquals(503, answer.statusCode());
            assertEquals("kv_pool_exhausted", json(answer.body()).at("/error/code").stringValue());
            assertTrue(answer.headers().firstValue("retry-after").isPresent());
        }
    }

    @Test
    void aWorkerThatComesBackIsANewOne(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            cluster.worker("w").kill();
            TestCluster.awaitTrue(() -> cluster.router().pools().isEmpty(), "the lease to end");
            FakeWorker again = cluster.add("w", Role.ROLE_COLOCATED);
            cluster.awaitWorkers(1);
            assertEquals(200, cluster.post("/v1/chat/completions", chat(2, "")).statusCode());
            assertEquals(1, again.unseenDecodes());
        }
    }

    @Test
    void aDrainingWorkerGetsNothingNew(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> o)) {
            cluster.add("a", Role.ROLE_COLOCATED);
            cluster.add("b", Role.ROLE_COLOCATED);
            cluster.awaitWorkers(2);
            cluster.worker("a").drain();
            TestCluster.awaitTrue(
                    () ->
                            cluster.router().pools().getFirst().workers().stream()
                                    .anyMatch(worker -> worker.isDraining()),
                    "the router to hear of it");
            for (int i = 0; i < 8; i++) {
                assertEquals(200, cluster.post("/v1/chat/completions", chat(2, "")).statusCode());
            }
            assertEquals(0, cluster.worker("a").unseenDecodes());
        }
    }
}

package io.baton.common.worker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.KvFormat;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerPartsTest {
    private static final GenerationRequest.Limits LIMITS =
            new GenerationRequest.Limits("f", 100, 64, TimeUnit.HOURS.toNanos(1));

    @Test
    void mailboxRunsTasksInOrderOneAtATime() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Integer> seen = new ArrayList<>();
            List<RuntimeException> errors = new ArrayList<>();
            Mailbox mailbox = new Mailbox(threads, 10_000, errors::add);
            CountDownLatch done = new CountDownLatch(1);
            for (int i = 0; i < 5000; i++) {
                int n = i;
                assertTrue(mailbox.post(() -> seen.add(n)));
                if (i == 100) {
                    mailbox.post(
                            () -> {
                                throw new IllegalStateException("one bad task");
                            });
                }
            }
            mailbox.post(done::countDown);
            assertTrue(done.await(20, TimeUnit.SECONDS));
            assertEquals(5000, seen.size());
            for (int i = 0; i < 5000; i++) {
                assertEquals(i, seen.get(i));
            }
            assertEquals(1, errors.size());
        }
    }

    @Test
    void anErrorInATaskDoesNotStopTheOnesBehindIt() {
        List<RuntimeException> errors = new ArrayList<>();
        List<String> ran = new ArrayList<>();
        Mailbox mailbox = new Mailbox(Runnable::run, 4, errors::add);
        mailbox.post(
                () -> {
                    throw new StackOverflowError();
                });
        mailbox.post(() -> ran.add("next"));
        assertEquals(List.of("next"), ran);
        assertEquals(1, errors.size());
    }

    @Test
    void aFullMailboxRefuses() {
        Mailbox mailbox = new Mailbox(task -> {}, 2, e -> {});
        assertTrue(mailbox.post(() -> {}));
        assertTrue(mailbox.post(() -> {}));
        assertFalse(mailbox.post(() -> {}));
    }

    @Test
    void watchdogTellsStuckFromIdleAndSlow() {
        StepWatchdog watchdog = new StepWatchdog(100);
        assertFalse(watchdog.isStuck(0, false, 0));
        assertFalse(watchdog.isStuck(0, false, 1000), "idle");
        assertFalse(watchdog.isStuck(1, true, 1100), "just began");
        assertFalse(watchdog.isStuck(1, true, 1200), "slow");
        assertTrue(watchdog.isStuck(1, true, 1201), "stuck");
        assertFalse(watchdog.isStuck(2, true, 1300), "moves again");
        assertFalse(watchdog.isStuck(2, false, 9000), "work is gone");
        assertFalse(watchdog.isStuck(2, true, 9001), "new work counts from now");
    }

    @Test
    void ratioForgetsOldObservations() {
        DecayedRatio ratio = new DecayedRatio(0.5);
        assertEquals(0, ratio.value());
        ratio.add(100, 1);
        ratio.add(5, 0);
        assertEquals(100, ratio.value(), 1e-9);
        for (int i = 0; i < 40; i++) {
            ratio.add(10, 1);
        }
        assertEquals(10, ratio.value(), 1e-6);
    }

    @Test
    void olderAndRepeatedEpochsAreNotAdmitted() {
        EpochLedger ledger = new EpochLedger(2);
        assertTrue(ledger.admit("a", 2));
        assertFalse(ledger.admit("a", 2));
        assertFalse(ledger.admit("a", 1));
        assertTrue(ledger.admit("a", 3));
        assertTrue(ledger.admit("b", 1));
        assertTrue(ledger.admit("c", 1));
        assertTrue(ledger.admit("a", 1), "forgotten: two requests are remembered");
    }

    private static GenerationSpec.Builder spec() {
        return GenerationSpec.newBuilder()
                .setRequestId("r")
                .setEpoch(1)
                .addAllPrompt(List.of(1, 2, 3))
                .setSampling(ProtoSampling.toProto(SamplingParams.greedy(4)))
                .setModelFingerprint("f")
                .setDeadlineMillis(1000);
    }

    @Test
    void requestIsReadAndChecked() {
        GenerationRequest request =
                GenerationRequest.fromProto(spec().addEmitted(9).build(), LIMITS);
        assertArrayEquals(new int[] {1, 2, 3}, request.prompt());
        assertArrayEquals(new int[] {9}, request.emitted());
        assertEquals(4, request.knownTokens());
        assertEquals(1_000_000_000L, request.deadlineNanos());
        assertEquals(ServiceTerms.USUAL, request.terms(), "what an older router sends");
        assertEquals(
                new ServiceTerms("key-1", 3, -2, false),
                GenerationRequest.fromProto(
                                spec().setTenant("key-1")
                                        .setTenantWeight(3)
                                        .setPriority(-2)
                                        .setNoSpeculation(true)
                                        .build(),
                                LIMITS)
                        .terms());
        Map<ErrorCode, List<Consumer<GenerationSpec.Builder>>> faults =
                Map.of(
                        ErrorCode.HANDSHAKE_MISMATCH,
                        List.of(s -> s.setModelFingerprint("g")),
                        ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                        List.of(
                                s -> {
                                    for (int i = 0; i < 61; i++) {
                                        s.addPrompt(1);
                                    }
                                }),
                        ErrorCode.INVALID_VALUE,
                        List.of(
                                s -> s.setRequestId(""),
                                s -> s.setRequestId("a\nb"),
                                s -> s.setRequestId("x".repeat(300)),
                                s -> s.setEpoch(0),
                                s -> s.clearPrompt(),
                                s -> s.addPrompt(100),
                                s -> s.addPrompt(-1),
                                s -> s.setDeadlineMillis(-1),
                                s -> s.addAllEmitted(List.of(1, 2, 3, 4)),
                                s -> s.setTenant("a b"),
                                s -> s.setTenant("x".repeat(65)),
                                s -> s.setTenantWeight(-1),
                                s -> s.setTenantWeight(1001),
                                s -> s.clearSampling()));
        faults.forEach(
                (code, list) ->
                        list.forEach(
                                fault -> {
                                    GenerationSpec.Builder bad = spec();
                                    fault.accept(bad);
                                    BatonException error =
                                            assertThrows(
                                                    BatonException.class,
                                                    () ->
                                                            GenerationRequest.fromProto(
                                                                    bad.build(), LIMITS));
                                    assertEquals(code, error.code(), error.text());
                                }));
    }

    @Test
    void kvFormatSurvivesTheWireAndNonsenseIsRefused() {
        KvLayout layout = new KvLayout(2, 1, 8, KvDtype.BF16, 16);
        KvFormat format = ProtoKv.toProto(layout, 256, "c:avx2:1", "exact", List.of("raw"));
        assertEquals(layout, ProtoKv.layout(format));
        List<Consumer<KvFormat.Builder>> faults =
                List.of(
                        f -> f.setLayers(0),
                        f -> f.setKvHeads(-1),
                        f -> f.setHeadDim(1 << 20),
                        f -> f.setDtype("int9"),
                        f -> f.setHeadDim(4096).setKvHeads(4096).setBlockTokens(1024));
        for (Consumer<KvFormat.Builder> fault : faults) {
            KvFormat.Builder bad = format.toBuilder();
            fault.accept(bad);
            assertThrows(BatonException.class, () -> ProtoKv.layout(bad.build()));
        }
    }

    @Test
    void modelTextTravelsInPartsAndIsChecked() {
        byte[] gguf = new byte[(2 << 20) + 5];
        new Random(3).nextBytes(gguf);
        // A pair of surrogates lies across the border of two parts.
        String template = "x".repeat((1 << 18) - 1) + "\uD83D\uDE00 end";
        ModelText text = new ModelText(gguf, template);
        Server server =
                ControlPlane.listen(
                        "127.0.0.1",
                        0,
                        ClusterToken.none(),
                        List.of(new ModelTextService(text).bindService()));
        ManagedChannel channel =
                ControlPlane.connect("127.0.0.1:" + server.getPort(), ClusterToken.none());
        try {
            ModelText fetched =
                    ModelTextClient.fetch(
                            channel, text.fingerprint(), TimeUnit.SECONDS.toNanos(20));
            assertArrayEquals(gguf, fetched.gguf());
            assertEquals(template, fetched.chatTemplate());
            assertThrows(
                    BatonException.class,
                    () ->
                            ModelTextClient.fetch(
                                    channel, "0".repeat(64), TimeUnit.SECONDS.toNanos(20)));
        } finally {
            channel.shutdownNow();
            server.shutdownNow();
        }
    }

    @Test
    void adminPortShowsMetricsAndLiveness() throws Exception {
        AtomicBoolean alive = new AtomicBoolean(true);
        try (AdminServer admin =
                        AdminServer.start(
                                "127.0.0.1",
                                0,
                                ClusterToken.none(),
                                new AdminServer.Sources(() -> "baton_x 1\n", alive::get));
                HttpClient client = HttpClient.newHttpClient()) {
            assertEquals("200 baton_x 1\n", get(client, admin, "/metrics"));
            assertEquals("200 ok\n", get(client, admin, "/livez"));
            alive.set(false);
            assertEquals("503 stuck\n", get(client, admin, "/livez"));
        }
    }

    @Test
    void clientsThatSendNothingHoldNobodyUp() throws Exception {
        List<Socket> silent = new ArrayList<>();
        try (AdminServer admin =
                        AdminServer.start(
                                "127.0.0.1",
                                0,
                                ClusterToken.none(),
                                new AdminServer.Sources(() -> "", () -> true));
                HttpClient client = HttpClient.newHttpClient()) {
            for (int i = 0; i < 20; i++) {
                Socket socket = new Socket("127.0.0.1", admin.port());
                silent.add(socket);
                socket.getOutputStream().write("GET /livez HT".getBytes(US_ASCII));
            }
            assertEquals("200 ok\n", get(client, admin, "/livez"));
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    private static String get(HttpClient client, AdminServer admin, String path) throws Exception {
        HttpResponse<String> answer =
                client.send(
                        HttpRequest.newBuilder(
                                        URI.create("http://127.0.0.1:" + admin.port() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }
}

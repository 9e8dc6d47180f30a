package io.baton.router.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.testkit.ManualTicker;
import io.baton.common.worker.ClusterToken;
import io.baton.router.fake.FakeModel;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RegistryTest {
    private final ManualTicker ticker = new ManualTicker();
    private final List<String> lost = new ArrayList<>();
    private final Registry registry =
            new Registry(
                    new Registry.Setup(
                            "router",
                            ClusterToken.none(),
                            Duration.ofSeconds(2).toNanos(),
                            Duration.ofMillis(250).toNanos(),
                            ticker,
                            () -> 7),
                    new ModelTexts(
                            new ModelTexts.Sources(
                                    fingerprint -> Optional.of(FakeModel.INSTANCE.text()),
                                    new GgufServedText(Clock.systemUTC(), ServedText.Wishes.NONE)),
                            ticker,
                            Runnable::run),
                    new Registry.Listener() {
                        @Override
                        public void onJoined(Worker worker) {}

                        @Override
                        public void onLost(Worker worker, String why) {
                            lost.add(worker.id() + "/" + worker.incarnation());
                        }
                    });

    @AfterEach
    void close() {
        registry.close();
    }

    private static Registration.Builder registration(String id, long incarnation) {
        return Registration.newBuilder()
                .setWorkerId(id)
                .setIncarnation(incarnation)
                .setRole(Role.ROLE_DECODER)
                .setControlAddress("127.0.0.1:1")
                .setModel(FakeModel.INSTANCE.card())
                .setKv(FakeModel.INSTANCE.kv())
                .setMaxSequences(4);
    }

    private BatonException refused(Registration.Builder registration) {
        BatonException e =
                assertThrows(BatonException.class, () -> registry.join(registration.build()));
        assertEquals(ErrorCode.HANDSHAKE_MISMATCH, e.code());
        return e;
    }

    @Test
    void aLeaseEndsWithoutHeartbeats() {
        Worker worker = registry.join(registration("d", 1).build());
        ticker.advance(Duration.ofMillis(1900));
        assertTrue(registry.report(worker, Status.getDefaultInstance()));
        ticker.advance(Duration.ofMillis(1900));
        registry.sweep();
        assertEquals(1, registry.pools().getFirst().workers().size());
        ticker.advance(Duration.ofMillis(200));
        registry.sweep();
        assertTrue(registry.pools().isEmpty());
        assertEquals(List.of("d/1"), lost);
        assertTrue(worker.channel().isShutdown());
    }

    @Test
    void aRouterThatStoodStillTakesNobodyForLost() {
        registry.join(registration("d", 1).build());
        registry.sweep();
        ticker.advance(Duration.ofMinutes(1));
        registry.sweep();
        assertTrue(lost.isEmpty(), "heartbeats of the pause are yet to be read");
        for (int i = 0; i < 21; i++) {
            ticker.advance(Duration.ofMillis(100));
            registry.sweep();
        }
        assertEquals(List.of("d/1"), lost, "but they must be there");
    }

    @Test
    void aWorkerThatWakesUpAfterItsLeaseMustRegisterAgain() {
        Worker worker = registry.join(registration("d", 1).build());
        ticker.advance(Duration.ofSeconds(3));
        registry.sweep();
        assertFalse(registry.report(worker, Status.getDefaultInstance()));
        assertTrue(registry.pools().isEmpty(), "a stale incarnation changes nothing");
    }

    @Test
    void aNewIncarnationReplacesTheOld() {
        Worker old = registry.join(registration("d", 1).build());
        Worker fresh = registry.join(registration("d", 2).build());
        assertEquals(List.of("d/1"), lost);
        assertTrue(old.channel().isShutdown());
        assertTrue(registry.worker("d", 1).isEmpty());
        assertTrue(registry.worker("d", 2).isPresent());
        registry.lose(old, "its stream broke");
        assertTrue(registry.worker("d", 2).isPresent(), "the old one's end is not the new one's");
        assertFalse(fresh.channel().isShutdown());
    }

    @Test
    void anUnlikeWorkerIsRefusedWithTheDifference() {
        registry.join(registration("a", 1).build());
        BatonException chunk =
                refused(
                        registration("b", 1)
                                .setKv(FakeModel.INSTANCE.kv().toBuilder().setChunkTokens(64)));
        assertTrue(chunk.text().contains("chunk tokens (kv.chunk-tokens): pool 32, worker 64"));
        BatonException dtype =
                refused(
                        registration("b", 1)
                                .setKv(FakeModel.INSTANCE.kv().toBuilder().setDtype("bf16")));
        assertTrue(dtype.text().contains("pool f32, worker bf16"), dtype.text());
        ModelCard.Builder text = FakeModel.INSTANCE.card().toBuilder().setTextFingerprint("other");
        assertTrue(refused(registration("b", 1).setModel(text)).text().contains("template"));
        assertEquals(1, registry.pools().getFirst().workers().size());
    }

    @Test
    void aNameStandsForOneModel() {
        registry.join(registration("a", 1).build());
        ModelCard.Builder other = FakeModel.INSTANCE.card().toBuilder().setFingerprint("other");
        assertTrue(refused(registration("b", 1).setModel(other)).text().contains("served-names"));
        other.setName("second").clearAliases();
        registry.join(registration("b", 1).setModel(other).build());
        assertEquals(2, registry.pools().size());
        assertEquals("second", registry.pool("second").card().getName());
        assertEquals("fake", registry.pool("alias").card().getName());
        assertEquals(
                ErrorCode.INVALID_VALUE,
                assertThrows(BatonException.class, () -> registry.pool(null)).code());
        assertEquals(
                ErrorCode.MODEL_NOT_FOUND,
                assertThrows(BatonException.class, () -> registry.pool("x")).code());
    }

    @Test
    void theLastWorkerMayComeBackWithAnotherModel() {
        registry.join(registration("a", 1).build());
        ModelCard.Builder other = FakeModel.INSTANCE.card().toBuilder().setFingerprint("other");
        registry.join(registration("a", 2).setModel(other).build());
        assertEquals(1, registry.pools().size());
        assertEquals("other", registry.pool("fake").fingerprint());
    }

    @Test
    void incompleteRegistrationsAreRefused() {
        refused(registration("", 1));
        refused(registration("a", 1).setRole(Role.ROLE_UNSPECIFIED));
        refused(registration("a", 1).setModel(ModelCard.getDefaultInstance()));
        refused(registration("a", 1).setKv(FakeModel.INSTANCE.kv().toBuilder().setLayers(-1)));
        refused(registration("a", 1).setKv(FakeModel.INSTANCE.kv().toBuilder().setDtype("f7")));
        refused(registration("a", 1).setControlAddress("nowhere"));
    }

    @Test
    void aPoolIsServableWithADecoderAndItsText() {
        registry.join(registration("p", 1).setRole(Role.ROLE_PREFILLER).build());
        assertTrue(registry.pools().getFirst().text().isPresent());
        assertFalse(registry.pools().getFirst().isServable());
        Worker decoder = registry.join(registration("d", 1).build());
        assertTrue(registry.pools().getFirst().isServable());
        registry.drain(decoder);
        assertFalse(registry.pools().getFirst().isServable());
        assertEquals("draining", decoder.view().obstacle());
    }

    @Test
    void loadIsWhatWasReportedOrSentWhicheverIsMore() {
        Worker worker = registry.join(registration("d", 1).build());
        worker.began(100);
        worker.began(50);
        assertEquals(2, worker.view().load().waiting());
        assertEquals(150, worker.view().load().waitingPrefillTokens());
        registry.report(
                worker,
                Status.newBuilder()
                        .setRunning(2)
                        .setWaitingPrefillTokens(500)
                        .setFreeBlocks(3)
                        .build());
        assertEquals(0, worker.view().load().waiting());
        assertEquals(500, worker.view().load().waitingPrefillTokens());
        assertEquals(3, worker.view().load().freeBlocks());
    }
}

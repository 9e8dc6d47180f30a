package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.time.Ticker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DispatchPartsTest {
    private static final long LONG = TimeUnit.SECONDS.toNanos(20);

    @Test
    void retriesStayBelowAFifthOfTheLoadPlusTheReserve() {
        RetryBudget budget = new RetryBudget(0.2, 10, 100);
        int spent = 0;
        for (int i = 0; i < 1000; i++) {
            budget.earn();
            while (budget.spend()) {
                spent++;
            }
        }
        assertTrue(spent >= 205 && spent <= 210, "spent " + spent);
        for (int i = 0; i < 10_000; i++) {
            budget.earn();
        }
        assertEquals(100, budget.balance(), "savings are bounded");
    }

    private static void awaitWaiting(Admission admission, int count) {
        while (admission.waiting() < count) {
            Thread.onSpinWait();
        }
    }

    @Test
    void admissionLetsTheFirstRunAndKeepsTheOrder() throws Exception {
        Admission admission = new Admission(1, 2, Ticker.system());
        CompletableFuture<Void> never = new CompletableFuture<>();
        Admission.Permit first = admission.acquire(ServiceTerms.USUAL, LONG, never);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Admission.Permit> second =
                    threads.submit(() -> admission.acquire(ServiceTerms.USUAL, LONG, never));
            awaitWaiting(admission, 1);
            Future<Admission.Permit> third =
                    threads.submit(() -> admission.acquire(ServiceTerms.USUAL, LONG, never));
            awaitWaiting(admission, 2);
            BatonException full =
                    assertThrows(
                            BatonException.class,
                            () -> admission.acquire(ServiceTerms.USUAL, LONG, never));
            assertEquals(ErrorCode.QUEUE_FULL, full.code());
            first.close();
            second.get(20, TimeUnit.SECONDS).close();
            third.get(20, TimeUnit.SECONDS).close();
        }
        assertEquals(0, admission.running());
        assertEquals(0, admission.waiting());
    }

    /** Ten of one tenant wait; another's only one is next, save for what is more urgent. */
    @Test
    void nextIsTheMostUrgentThenTheTenantWithTheFewestRunning() throws Exception {
        Admission admission = new Admission(2, 20, Ticker.system());
        CompletableFuture<Void> never = new CompletableFuture<>();
        ServiceTerms many = new ServiceTerms("many", 1, 0, true);
        Admission.Permit first = admission.acquire(many, LONG, never);
        Admission.Permit second = admission.acquire(many, LONG, never);
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (ServiceTerms terms :
                    List.of(
                            many,
                            many,
                            many,
                            new ServiceTerms("one", 1, 0, true),
                            new ServiceTerms("late", 1, 5, true),
                            new ServiceTerms("many", 1, -5, true))) {
                int before = admission.waiting();
                all.add(
                        threads.submit(
                                () -> {
                                    Admission.Permit permit = admission.acquire(terms, LONG, never);
                                    order.add(terms.tenant() + terms.priority());
                                    permit.close();
                                }));
                awaitWaiting(admission, before + 1);
            }
            first.close();
            for (Future<?> one : all) {
                one.get(20, TimeUnit.SECONDS);
            }
        }
        second.close();
        assertEquals(List.of("many-5", "one0", "many0", "many0", "many0", "late5"), order);
        assertEquals(0, admission.running());
    }

    @Test
    void weightsAreReadAndChecked() {
        TenantWeights weights = TenantWeights.of(List.of("key-0a=3", " key-0b = 1000"));
        assertEquals(3, weights.of("key-0a"));
        assertEquals(1000, weights.of("key-0b"));
        assertEquals(1, weights.of("anonymous"));
        for (String wrong : List.of("", "a", "=3", "a=", "a=0", "a=1001", "a=-1", "a b=1")) {
            assertThrows(BatonException.class, () -> TenantWeights.of(List.of(wrong)), wrong);
        }
        assertThrows(BatonException.class, () -> TenantWeights.of(List.of("a=1", "a=2")));
    }

    @Test
    void waitingEndsByTimeByCancelAndByClosing() throws Exception {
        Admission admission = new Admission(1, 8, Ticker.system());
        CompletableFuture<Void> cancel = new CompletableFuture<>();
        Admission.Permit first = admission.acquire(ServiceTerms.USUAL, LONG, cancel);
        assertEquals(
                ErrorCode.OVERLOADED,
                assertThrows(
                                BatonException.class,
                                () -> admission.acquire(ServiceTerms.USUAL, 1, cancel))
                        .code());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<ErrorCode> cancelled = threads.submit(() -> codeOf(admission, cancel));
            awaitWaiting(admission, 1);
            cancel.complete(null);
            assertEquals(ErrorCode.CLIENT_CLOSED, cancelled.get(20, TimeUnit.SECONDS));
            Future<ErrorCode> closed =
                    threads.submit(() -> codeOf(admission, new CompletableFuture<>()));
            awaitWaiting(admission, 1);
            admission.close();
            assertEquals(ErrorCode.DRAINING, closed.get(20, TimeUnit.SECONDS));
        }
        first.close();
        assertEquals(0, admission.running());
    }

    private static ErrorCode codeOf(Admission admission, CompletableFuture<Void> cancel) {
        return assertThrows(
                        BatonException.class,
                        () -> admission.acquire(ServiceTerms.USUAL, LONG, cancel))
                .code();
    }

    @Test
    void theSecretIsMadeOnceAndIsItsOwnersAlone(@TempDir Path folder) throws Exception {
        Path state = folder.resolve("state");
        TenantSalts first = TenantSalts.inFolder(state, new SecureRandom());
        assertEquals(first, TenantSalts.inFolder(state, new SecureRandom()));
        Path file = state.resolve("tenant-secret");
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        try (var files = Files.list(state)) {
            assertEquals(List.of(file), files.toList(), "no drafts are left");
        }
        Files.writeString(file, "short");
        assertThrows(BatonException.class, () -> TenantSalts.inFolder(state, new SecureRandom()));
    }

    @Test
    void saltsDifferByTenantAndSubSaltAndNeverCollideByConcatenation() {
        TenantSalts salts = TenantSalts.of("0123456789abcdef0123456789abcdef");
        assertArrayEquals(salts.salt("a", null), salts.salt("a", null));
        List<byte[]> all =
                List.of(
                        salts.salt("a", null),
                        salts.salt("b", null),
                        salts.salt("a", "x"),
                        salts.salt("a", "y"),
                        salts.salt("ax", null),
                        salts.salt("a", "x\0"),
                        TenantSalts.of("0123456789abcdef0123456789abcdeX").salt("a", null));
        for (int i = 0; i < all.size(); i++) {
            for (int k = 0; k < i; k++) {
                assertFalse(Arrays.equals(all.get(i), all.get(k)), i + " and " + k);
            }
        }
        assertThrows(BatonException.class, () -> TenantSalts.of("short"));
    }

    @Test
    void theRingForgetsTheOldest() {
        LedgerRing ring = new LedgerRing(2);
        for (String id : List.of("a", "b", "c")) {
            ring.add(new RequestLedger(id, "m", 0, "finished", null, List.of()));
        }
        assertTrue(ring.find("a").isEmpty());
        assertTrue(ring.find("b").isPresent());
        assertTrue(ring.find("c").isPresent());
    }
}

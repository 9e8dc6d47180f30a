package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
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
        Admission.Permit first = admission.acquire(LONG, never);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Admission.Permit> second = threads.submit(() -> admission.acquire(LONG, never));
            awaitWaiting(admission, 1);
            Future<Admission.Permit> third = threads.submit(() -> admission.acquire(LONG, never));
            awaitWaiting(admission, 2);
            BatonException full =
                    assertThrows(BatonException.class, () -> admission.acquire(LONG, never));
            assertEquals(ErrorCode.QUEUE_FULL, full.code());
            first.close();
            second.get(20, TimeUnit.SECONDS).close();
            third.get(20, TimeUnit.SECONDS).close();
        }
        assertEquals(0, admission.running());
        assertEquals(0, admission.waiting());
    }

    @Test
    void waitingEndsByTimeByCancelAndByClosing() throws Exception {
        Admission admission = new Admission(1, 8, Ticker.system());
        CompletableFuture<Void> cancel = new CompletableFuture<>();
        Admission.Permit first = admission.acquire(LONG, cancel);
        assertEquals(
                ErrorCode.OVERLOADED,
                assertThrows(BatonException.class, () -> admission.acquire(1, cancel)).code());
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
        return assertThrows(BatonException.class, () -> admission.acquire(LONG, cancel)).code();
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

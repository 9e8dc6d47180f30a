package io.baton.kernels.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class HostBufferTest {
    private final Set<HostBuffer> owner = new HashSet<>();

    @Test
    void isZeroAlignedAndOwnedUntilClosed() {
        for (long bytes : new long[] {0, 1, 63, 4096, 1 << 20}) {
            HostBuffer buffer = HostBuffer.allocate(bytes, owner);
            assertEquals(0, buffer.segment().address() % 64);
            assertEquals(Math.max(bytes, 1), buffer.bytes());
            for (long i = 0; i < buffer.bytes(); i++) {
                assertEquals(0, buffer.segment().get(ValueLayout.JAVA_BYTE, i));
            }
            assertEquals(Set.of(buffer), owner);
            buffer.close();
            buffer.close();
            assertTrue(owner.isEmpty());
            assertThrows(
                    IllegalStateException.class,
                    () -> buffer.segment().get(ValueLayout.JAVA_BYTE, 0));
        }
    }

    @Test
    void moreThanTheMachineHasIsRefused() {
        BatonException refused =
                assertThrows(BatonException.class, () -> HostBuffer.allocate(1L << 50, owner));
        assertEquals(ErrorCode.CONFIGURATION, refused.code());
        assertTrue(String.valueOf(refused.getMessage()).contains("lower --kv-pool"));
        assertTrue(owner.isEmpty());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aLargeBufferTakesNoPagesBeforeItIsWritten() throws IOException {
        long bytes = 1L << 30;
        long before = residentKibibytes();
        HostBuffer buffer = HostBuffer.allocate(bytes, owner);
        long allocated = residentKibibytes();
        buffer.zero(0, bytes / 4);
        long written = residentKibibytes();
        buffer.close();
        assertTrue(allocated - before < bytes >> 14, "%d KiB".formatted(allocated - before));
        assertTrue(written - before > bytes >> 13, "%d KiB".formatted(written - before));
    }

    private static long residentKibibytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElseThrow();
    }
}
